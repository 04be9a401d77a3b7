/** How this program was called: what to write before a command in advice. */
export function invocation(): string {
  const { npm_lifecycle_event: script, npm_command: command } = process.env
  if (command === 'exec') return 'npx nightpost'
  return script === undefined ? 'nightpost' : 'npm run nightpost --'
}
