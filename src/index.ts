/** What the package `oxbow` exports: the client, its types and its errors. Everything else is inside. */
export { BrokerError, type Code } from './base/errors.ts'
export type { Admin } from './client/admin.ts'
export type { AlterTopicOptions, CreateTopicOptions, DeletedPartition, ElectedPartition, RecordsToDelete } from './client/admin-options.ts'
export { type ClientOptions, OxbowClient } from './client/client.ts'
export type { Assignment, ConsumedRecord, Consumer, ConsumerOptions } from './client/consumer.ts'
export type { Producer } from './client/producer.ts'
export type { ProducerOptions, ProducerRecord } from './client/producer-options.ts'
