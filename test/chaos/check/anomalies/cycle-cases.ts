import { atOnce, type Case, readTwoEach, whileAcross } from './case.ts'

export const cycleCases: readonly Case[] = [
  {
    name: 'G0',
    guilty: (s) => {
      atOnce(
        s,
        [
          ['send', 0, [0, 1]],
          ['send', 1, [1, 2]],
        ],
        [
          ['send', 0, [1, 2]],
          ['send', 1, [0, 1]],
        ],
      )
      readTwoEach(s)
    },
    almost: 'both keys in one order',
    innocent: (s) => {
      atOnce(
        s,
        [
          ['send', 0, [0, 1]],
          ['send', 1, [0, 1]],
        ],
        [
          ['send', 0, [1, 2]],
          ['send', 1, [1, 2]],
        ],
      )
      readTwoEach(s)
    },
  },
  {
    name: 'G0-process',
    guilty: (s) => {
      whileAcross(
        s,
        [0, 0],
        [['send', 0, [1, 2]]],
        [['send', 1, [0, 1]]],
        [
          ['send', 0, [0, 1]],
          ['send', 1, [1, 2]],
        ],
      )
      readTwoEach(s)
    },
    almost: 'it sends the first last',
    innocent: (s) => {
      whileAcross(
        s,
        [0, 0],
        [['send', 1, [0, 1]]],
        [['send', 0, [1, 2]]],
        [
          ['send', 0, [0, 1]],
          ['send', 1, [1, 2]],
        ],
      )
      readTwoEach(s)
    },
  },
  {
    name: 'G0-realtime',
    guilty: (s) => {
      whileAcross(
        s,
        [0, 1],
        [['send', 0, [1, 2]]],
        [['send', 1, [0, 1]]],
        [
          ['send', 0, [0, 1]],
          ['send', 1, [1, 2]],
        ],
      )
      readTwoEach(s)
    },
    almost: 'the second begins before the first ends',
    innocent: (s) => {
      const endAcross = s.begin(9, 'txn', [
        ['send', 0, 1],
        ['send', 1, 2],
      ])
      const endFirst = s.begin(0, 'send', [['send', 0, 2]])
      const endSecond = s.begin(1, 'send', [['send', 1, 1]])
      endFirst('ok', [['send', 0, [1, 2]]])
      endSecond('ok', [['send', 1, [0, 1]]])
      endAcross('ok', [
        ['send', 0, [0, 1]],
        ['send', 1, [1, 2]],
      ])
      readTwoEach(s)
    },
  },
  {
    name: 'G1c',
    guilty: (s) =>
      atOnce(
        s,
        [
          ['send', 0, [0, 1]],
          ['poll', { 1: [[0, 1]] }],
        ],
        [
          ['send', 1, [0, 1]],
          ['poll', { 0: [[0, 1]] }],
        ],
      ),
    almost: 'only one sees the other',
    innocent: (s) => {
      atOnce(
        s,
        [
          ['send', 0, [0, 1]],
          ['poll', { 1: [] }],
        ],
        [
          ['send', 1, [0, 1]],
          ['poll', { 0: [[0, 1]] }],
        ],
      )
      s.poll(5, { 1: [[0, 1]] })
    },
  },
  {
    name: 'G1c-process',
    guilty: (s) =>
      whileAcross(
        s,
        [0, 0],
        [['poll', { 0: [[0, 1]] }]],
        [['send', 1, [0, 1]]],
        [
          ['send', 0, [0, 1]],
          ['poll', { 1: [[0, 1]] }],
        ],
      ),
    almost: 'it sends, then polls',
    innocent: (s) =>
      whileAcross(
        s,
        [0, 0],
        [['send', 1, [0, 1]]],
        [['poll', { 0: [[0, 1]] }]],
        [
          ['send', 0, [0, 1]],
          ['poll', { 1: [[0, 1]] }],
        ],
      ),
  },
  {
    name: 'G1c-realtime',
    guilty: (s) =>
      whileAcross(
        s,
        [0, 1],
        [['poll', { 0: [[0, 1]] }]],
        [['send', 1, [0, 1]]],
        [
          ['send', 0, [0, 1]],
          ['poll', { 1: [[0, 1]] }],
        ],
      ),
    almost: 'the send is over before the poll',
    innocent: (s) =>
      whileAcross(
        s,
        [0, 1],
        [['send', 1, [0, 1]]],
        [['poll', { 0: [[0, 1]] }]],
        [
          ['send', 0, [0, 1]],
          ['poll', { 1: [[0, 1]] }],
        ],
      ),
  },
  {
    name: 'realtime-send-inversion',
    also: ['G0-realtime'],
    guilty: (s) =>
      s
        .send(0, 0, 1, 1)
        .send(1, 0, 2, 0)
        .poll(2, {
          0: [
            [0, 2],
            [1, 1],
          ],
        }),
    almost: 'the first was never acknowledged',
    innocent: (s) =>
      s
        .send(0, 0, 1, 1, 'info')
        .send(1, 0, 2, 0)
        .poll(2, {
          0: [
            [0, 2],
            [1, 1],
          ],
        }),
  },
]
