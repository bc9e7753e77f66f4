import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Server } from '@grpc/grpc-js'
import type { PackageDefinition } from '@grpc/proto-loader'
import type { Logger } from '../base/log-line.ts'
import { reflectionAlphaService, reflectionService } from '../wire/services.ts'
import { LibraryServer, LibraryService, type Track } from './library-service.ts'
import { nameMapEntries } from './map-entries.ts'

const FILES = ['broker', 'admin', 'records', 'peer'].map((name) => `oxbow/v1/${name}.proto`)
/** The same way up from dist/src/grpc and from dist/bundle/cli; the sources lie one level higher. */
const PROTO_FOLDERS = ['../../../proto', '../../proto']

/** grpc.reflection.v1 and v1alpha: tools such as grpcurl learn the calls and messages of a node from the node. */
export function addReflectionService(server: Server, options: { readonly services: readonly string[]; readonly logger: Logger; readonly track: Track }): void {
  const { services, logger, track } = options
  const load = async (): Promise<LibraryServer> => {
    const [{ ReflectionService }, protoLoader] = await Promise.all([import('@grpc/reflection'), import('@grpc/proto-loader')])
    const require = createRequire(import.meta.url)
    const health = join(dirname(require.resolve('grpc-health-check/package.json')), 'proto/health/v1/health.proto')
    const definition = await protoLoader.load([...FILES, health], { keepCase: true, includeDirs: [protoFolder()] })
    const files = new Set(Object.values(definition).flatMap(({ fileDescriptorProtos: all }) => (Array.isArray(all) ? all : [])))
    const described = { files: { format: '', type: {}, fileDescriptorProtos: [...files].map(nameMapEntries) } }
    const registered = new LibraryServer()
    new ReflectionService(described as unknown as PackageDefinition, { services: [...services] }).addToServer(registered as unknown as Server)
    return registered
  }
  const library = new LibraryService({ name: 'reflection', logger, track, load })
  server.addService(reflectionService, { ServerReflectionInfo: library.bidiStream() })
  server.addService(reflectionAlphaService, { ServerReflectionInfo: library.bidiStream() })
}

function protoFolder(): string {
  const folders = PROTO_FOLDERS.map((path) => fileURLToPath(new URL(path, import.meta.url)))
  const found = folders.find((folder) => existsSync(join(folder, FILES[0] as string)))
  if (found === undefined) throw new Error(`the .proto files are not in ${folders.join(' nor in ')}`)
  return found
}
