import { type ChannelOptions, Client, credentials } from '@grpc/grpc-js'
import { MAX_MESSAGE_BYTES } from './services.ts'

/** The receiver of data dials and opens its window wide: 64 KiB, the default, makes every batch wait for the reader's acknowledgement. */
const FLOW_WINDOW_BYTES = 8 * 1024 * 1024

const channelOptions: ChannelOptions = {
  // Channels to one target share a connection otherwise, and heartbeats wait behind data.
  'grpc.use_local_subchannel_pool': 1,
  'grpc.initial_reconnect_backoff_ms': 50,
  'grpc.max_reconnect_backoff_ms': 500,
  'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
  'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
  // A connection that was cut and healed waits for TCP's retransmission, which doubles up to minutes: after 6 s of silence a new one is quicker.
  'grpc.keepalive_time_ms': 3_000,
  'grpc.keepalive_timeout_ms': 3_000,
  'grpc-node.flow_control_window': FLOW_WINDOW_BYTES,
  // A retried call could append twice, and its buffer would hold every batch until the first answer.
  'grpc.enable_retries': 0,
  'grpc.enable_channelz': 0,
  'grpc.enable_http_proxy': 0,
  'grpc.service_config_disable_resolution': 1,
}

/** `host:port` as gRPC reads it; an IPv6 address needs brackets. */
export function targetOf(address: { readonly host: string; readonly port: number }): string {
  const host = address.host.includes(':') && !address.host.startsWith('[') ? `[${address.host}]` : address.host
  return `${host}:${address.port}`
}

/** A connection of its own, dialled by its first call. */
export function openChannel(address: { readonly host: string; readonly port: number }): Client {
  return new Client(targetOf(address), credentials.createInsecure(), channelOptions)
}
