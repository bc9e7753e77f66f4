import { bytesOrNull, decode, encode, int32, list, message, string, stringMap } from './proto-message.ts'

/** gRPC trailer of failed calls in Google's richer error model: a google.rpc.Status, which the gRPC libraries of most languages read. */
export const RICH_STATUS_KEY = 'grpc-status-details-bin'
const ERROR_INFO_TYPE = 'type.googleapis.com/google.rpc.ErrorInfo'
/** Whose `reason` it is. */
export const ERROR_DOMAIN = 'oxbow'

/** google.rpc.ErrorInfo. `reason`: a name of the error table. */
export interface ErrorInfo {
  readonly reason: string
  readonly domain: string
  readonly metadata: ReadonlyMap<string, string>
}

/** google.rpc.Status with what of it is ours. `message` equals the call's own text: some libraries refuse the trailer otherwise. */
export interface RichStatus {
  readonly code: number
  readonly message: string
  readonly info: ErrorInfo | null
}

const errorInfoCodec = message<ErrorInfo>({ reason: string(1), domain: string(2), metadata: stringMap(3) })
const anyCodec = message<{ readonly typeUrl: string; readonly value: Buffer | null }>({ typeUrl: string(1), value: bytesOrNull(2) })
const statusCodec = message<{ readonly code: number; readonly message: string; readonly details: readonly { typeUrl: string; value: Buffer | null }[] }>({
  code: int32(1),
  message: string(2),
  details: list(3, anyCodec),
})

export function encodeRichStatus({ code, message: text, info }: RichStatus): Buffer {
  const details = info === null ? [] : [{ typeUrl: ERROR_INFO_TYPE, value: encode(errorInfoCodec, info).toBuffer() }]
  return encode(statusCodec, { code, message: text, details }).toBuffer()
}

/** Throws INVALID_REQUEST for bytes that are none. */
export function decodeRichStatus(bytes: Buffer): RichStatus {
  const { code, message: text, details } = decode(statusCodec, bytes)
  const found = details.find((detail) => detail.typeUrl === ERROR_INFO_TYPE)
  return { code, message: text, info: found === undefined ? null : decode(errorInfoCodec, found.value ?? Buffer.alloc(0)) }
}
