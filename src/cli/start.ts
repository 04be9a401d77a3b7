import { Command } from 'commander'

const HELP = `
Without DATABASE_URL the service runs on an embedded Postgres, for development. SIGTERM ends it.

Examples:
  nightpost start
  NODE_ENV=production DATABASE_URL=postgres://… SAHHA_WEBHOOK_SECRETS=… nightpost start
`

export const startCommand = new Command('start')
  .description('Run the service: migrate the database, then receive deliveries until SIGTERM.')
  .addHelpText('after', HELP)
  .action(async () => {
    await import('../main.ts')
  })
