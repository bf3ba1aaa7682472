/** Subpath `evercurrent/react`: a value in a component, with its state around it or by suspending until it is there. */

export { useCache } from './use-cache.ts'
export { useValue } from './use-value.ts'
