import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { replay } from './interaction.ts'

const FOLDER = join(import.meta.dirname, 'testdata')

/** UPDATE_TRANSCRIPTS=1 rewrites the files with what is printed now: read the difference before you commit it. */
const mayUpdate = process.env.UPDATE_TRANSCRIPTS === '1'

/** The stories that must be told: each shows a rule. */
const REQUIRED = [
  'campaign',
  'observer_never_campaigns',
  'pre_vote',
  'pre_vote_checkquorum',
  'checkquorum_stepdown',
  'one_way_cut_leader',
  'one_way_cut_follower',
  'disruptive_removed_voter',
  'log_conflict_figure7_a',
  'log_conflict_figure7_b',
  'log_conflict_figure7_c',
  'log_conflict_figure7_d',
  'log_conflict_figure7_e',
  'log_conflict_figure7_f',
  'figure8_old_term',
  'probe_and_replicate',
  'confchange_add',
  'confchange_remove_leader',
  'confchange_reverted_by_truncation',
  'confchange_before_own_term_refused',
  'transfer',
  'transfer_to_lagging',
  'transfer_times_out',
  'observer_promoted',
  'wiped_voter',
  'async_persist_aba',
  'vote_after_restart',
  'bootstrap_one_late_voter',
  'read_index',
  'slow_follower_after_cut',
  'snapshot_succeeds',
  'snapshot_fails',
  'snapshot_then_conflict',
]

describe('transcripts', () => {
  const names = readdirSync(FOLDER).filter((name) => name.endsWith('.txt'))

  it('are there', () => expect(names).toEqual(expect.arrayContaining(REQUIRED.map((name) => `${name}.txt`))))

  it.each(names)('%s', (name) => {
    const path = join(FOLDER, name)
    const expected = readFileSync(path, 'utf8')
    const actual = replay(expected)
    if (mayUpdate) writeFileSync(path, actual)
    else expect(actual).toBe(expected)
  })
})
