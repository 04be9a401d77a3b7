/** A signal that SIGINT or SIGTERM aborts. A second one ends the process, as does any after `end`. */
export function interruption(): { readonly signal: AbortSignal; end(): void } {
  const controller = new AbortController()
  const interrupt = () => {
    end()
    controller.abort()
  }
  const end = () => void process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt)
  return { signal: controller.signal, end }
}
