import type { Polled } from '../../../../chaos/operations/operation.ts'
import { atOnce, type Case, threeSent } from './case.ts'
import { cycleCases } from './cycle-cases.ts'

const FIRST_TWO: Polled = {
  0: [
    [0, 1],
    [2, 2],
  ],
}
const ALL_THREE: Polled = {
  0: [
    [0, 1],
    [2, 2],
    [3, 3],
  ],
}

export const cases: readonly Case[] = [
  {
    name: 'inconsistent-offsets',
    guilty: (s) =>
      s
        .send(0, 0, 1, undefined, 'info')
        .send(1, 0, 2, undefined, 'info')
        .poll(2, { 0: [[0, 1]] })
        .poll(3, { 0: [[0, 2]] }),
    almost: 'the same offset of two keys',
    innocent: (s) =>
      s
        .send(0, 0, 1, 0)
        .send(0, 1, 2, 0)
        .poll(2, { 0: [[0, 1]], 1: [[0, 2]] }),
  },
  {
    name: 'duplicate',
    guilty: (s) =>
      s.send(0, 0, 1, 0).poll(1, {
        0: [
          [0, 1],
          [1, 1],
        ],
      }),
    almost: 'polled twice at one offset, by two processes',
    innocent: (s) =>
      s
        .send(0, 0, 1, 0)
        .poll(1, { 0: [[0, 1]] })
        .poll(2, { 0: [[0, 1]] }),
  },
  {
    name: 'G1a',
    guilty: (s) => s.send(0, 0, 1, undefined, 'fail').poll(1, { 0: [[0, 1]] }),
    almost: 'a send that is unknown',
    innocent: (s) => s.send(0, 0, 1, undefined, 'info').poll(1, { 0: [[0, 1]] }),
  },
  {
    name: 'lost-write',
    also: ['unseen'],
    guilty: (s) =>
      s
        .send(0, 0, 1, 0)
        .send(0, 0, 2, 1)
        .poll(1, { 0: [[1, 2]] }),
    almost: 'the lost one is unknown, and nobody saw it',
    innocent: (s) =>
      s
        .send(0, 0, 1, 0, 'info')
        .send(2, 0, 2, 1)
        .poll(1, { 0: [[1, 2]] }),
  },
  {
    name: 'unseen',
    guilty: (s) =>
      s
        .send(0, 0, 1, 0)
        .send(0, 0, 2, 1)
        .poll(1, { 0: [[0, 1]] }),
    almost: 'the unseen one is unknown',
    innocent: (s) =>
      s
        .send(0, 0, 1, 0)
        .send(0, 0, 2, 1, 'info')
        .poll(1, { 0: [[0, 1]] }),
  },
  {
    name: 'poll-skip',
    guilty: (s) =>
      threeSent(s)
        .poll(1, {
          0: [
            [0, 1],
            [2, 2],
            [3, 3],
          ],
        })
        .poll(2, { 0: [[0, 1]] })
        .poll(2, { 0: [[3, 3]] }),
    almost: 'not assigned between, and offset 1 holds nothing',
    innocent: (s) =>
      threeSent(s)
        .poll(2, { 0: [[0, 1]] })
        .assign(2, [1])
        .assign(2, [0])
        .poll(2, { 0: [[3, 3]] })
        .poll(1, {
          0: [
            [0, 1],
            [2, 2],
          ],
        }),
  },
  {
    name: 'nonmonotonic-poll',
    guilty: (s) =>
      threeSent(s)
        .poll(1, {
          0: [
            [0, 1],
            [2, 2],
            [3, 3],
          ],
        })
        .poll(1, {
          0: [
            [2, 2],
            [3, 3],
          ],
        }),
    almost: 'it sought to the beginning',
    innocent: (s) =>
      threeSent(s)
        .poll(1, {
          0: [
            [0, 1],
            [2, 2],
            [3, 3],
          ],
        })
        .assign(1, [0], { seekToBeginning: true })
        .poll(1, { 0: [[0, 1]] }),
  },
  {
    name: 'int-poll-skip',
    guilty: (s) =>
      threeSent(s)
        .poll(1, {
          0: [
            [0, 1],
            [2, 2],
            [3, 3],
          ],
        })
        .poll(
          2,
          {
            0: [
              [0, 1],
              [3, 3],
            ],
          },
          'info',
        ),
    almost: 'the key was assigned anew meanwhile',
    innocent: (s) =>
      threeSent(s)
        .poll(1, {
          0: [
            [0, 1],
            [2, 2],
            [3, 3],
          ],
        })
        .poll(
          2,
          {
            0: [
              [0, 1],
              [3, 3],
            ],
          },
          'ok',
          { rebalanceLog: [{ keys: [0] }] },
        ),
  },
  {
    name: 'int-nonmonotonic-poll',
    guilty: (s) =>
      threeSent(s).poll(1, {
        0: [
          [0, 1],
          [2, 2],
          [3, 3],
          [3, 3],
        ],
      }),
    almost: 'the key was assigned anew meanwhile',
    innocent: (s) =>
      threeSent(s).poll(
        1,
        {
          0: [
            [0, 1],
            [2, 2],
            [3, 3],
            [2, 2],
          ],
        },
        'ok',
        { rebalanceLog: [{ keys: [0] }] },
      ),
  },
  {
    name: 'nonmonotonic-send',
    also: ['G0-process', 'realtime-send-inversion'],
    guilty: (s) =>
      s
        .send(0, 0, 1, 1)
        .send(0, 0, 2, 0)
        .poll(1, {
          0: [
            [0, 2],
            [1, 1],
          ],
        }),
    almost: 'two processes, at once',
    innocent: (s) => {
      const end = s.begin(0, 'send', [['send', 0, 1]])
      s.send(1, 0, 2, 0)
      end('ok', [['send', 0, [1, 1]]])
      s.poll(2, {
        0: [
          [0, 2],
          [1, 1],
        ],
      })
    },
  },
  {
    name: 'int-nonmonotonic-send',
    guilty: (s) =>
      s
        .txn(0, [
          ['send', 0, [1, 1]],
          ['send', 0, [0, 2]],
        ])
        .poll(1, {
          0: [
            [0, 2],
            [1, 1],
          ],
        }),
    almost: 'to two keys',
    innocent: (s) =>
      s
        .txn(0, [
          ['send', 0, [1, 1]],
          ['send', 1, [0, 2]],
        ])
        .poll(1, { 0: [[1, 1]], 1: [[0, 2]] }),
  },
  {
    name: 'int-send-skip',
    also: ['G0'],
    guilty: (s) => {
      atOnce(
        s,
        [
          ['send', 0, [0, 1]],
          ['send', 0, [2, 3]],
        ],
        [['send', 0, [1, 2]]],
      )
      s.poll(2, {
        0: [
          [0, 1],
          [1, 2],
          [2, 3],
        ],
      })
    },
    almost: 'nothing lies in the gap',
    innocent: (s) =>
      s
        .txn(0, [
          ['send', 0, [0, 1]],
          ['send', 0, [2, 3]],
        ])
        .poll(2, {
          0: [
            [0, 1],
            [2, 3],
          ],
        }),
  },
  {
    name: 'precommitted-read',
    guilty: (s) =>
      s.txn(0, [
        ['send', 0, [0, 1]],
        ['poll', { 0: [[0, 1]] }],
      ]),
    almost: 'it polls what it sent before',
    innocent: (s) =>
      s
        .send(0, 0, 1, 0)
        .txn(0, [
          ['send', 0, [1, 2]],
          ['poll', { 0: [[0, 1]] }],
        ])
        .poll(1, {
          0: [
            [0, 1],
            [1, 2],
          ],
        }),
  },
  ...cycleCases,
  {
    name: 'lost-on-node',
    guilty: (s) => threeSent(s).poll(3, ALL_THREE).poll(1, ALL_THREE, 'ok', { node: 1 }).poll(2, FIRST_TWO, 'ok', { node: 2 }),
    almost: 'it is not known what else that node has',
    innocent: (s) => threeSent(s).poll(3, ALL_THREE).poll(1, ALL_THREE, 'ok', { node: 1 }).poll(2, FIRST_TWO, 'info', { node: 2 }),
  },
  {
    name: 'unexpected-read',
    guilty: (s) =>
      s
        .send(0, 0, 1, 0)
        .poll(
          1,
          {
            0: [
              [0, 1],
              [1, 7],
            ],
          },
          'info',
        )
        .poll(2, { 0: [[0, 1]] }),
    almost: 'a send of it is under way',
    innocent: (s) => {
      s.begin(3, 'send', [['send', 0, 7]])
      s.send(0, 0, 1, 0).poll(1, {
        0: [
          [0, 1],
          [1, 7],
        ],
      })
    },
  },
  {
    name: 'vanished',
    guilty: (s) => threeSent(s).poll(1, ALL_THREE).assign(2, [0], { seekToBeginning: true }).poll(2, FIRST_TWO).poll(2, {}),
    almost: 'it is not known whether more would have come',
    innocent: (s) => threeSent(s).poll(1, ALL_THREE).assign(2, [0], { seekToBeginning: true }).poll(2, FIRST_TWO),
  },
]
