import type { Model } from '../../../chaos/explore/model.ts'
import { type Explored, Search } from '../../../chaos/explore/search.ts'

/** Goes through all states; `stands`: where everybody stood in each of them. */
export function exploreStands(model: Model): { readonly explored: Explored; readonly stands: ReadonlySet<string> } {
  const stands = new Set<string>()
  const watched: Model = {
    initial: () => model.initial(),
    hash: (state, into) => model.hash(state, into),
    expand: (state, visit) => {
      stands.add(model.stand(state).join('\n'))
      model.expand(state, visit)
    },
    heal: (state) => model.heal(state),
    perform: (state, action) => model.perform(state, action),
    tell: (state, action) => model.tell(state, action),
    stand: (state) => model.stand(state),
  }
  return { explored: new Search(watched, { maxStates: 1_000_000, heal: true }).run(), stands }
}
