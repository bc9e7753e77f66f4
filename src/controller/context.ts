import type { MetadataImage } from '../metadata/image.ts'
import type { QuorumView } from './quorum-view.ts'
import type { SessionsView } from './sessions-view.ts'

/** Defaults of the cluster file that decisions write down (configs.ts says why). null: the law's own default. */
export interface ControllerDefaults {
  readonly minInSyncReplicas: number | null
}

/** All that a decision may depend on besides its command. */
export interface ControllerContext {
  /** With all appended decisions applied, committed or not. */
  readonly image: MetadataImage
  /** The metadata offset that this decision's entry will have. */
  readonly offset: number
  readonly nowMs: number
  readonly defaults: ControllerDefaults
  readonly sessions: SessionsView
  readonly quorum: QuorumView
}

/** What is known of brokers and replicas: enough to tell who may lead. */
export type Evidence = Pick<ControllerContext, 'image' | 'sessions'>
