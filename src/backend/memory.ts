/** The tiers that need nothing but memory, and how registries of one process are joined: `evercurrent/backend/memory`. */

export { type MemoryBackend, type MemoryBackendOptions, memoryBackend } from './memory-backend.ts'
export { memoryCoordinator } from './memory-coordinator.ts'
export { tieredBackend } from './tiered.ts'
