import { defineConfig } from 'drizzle-kit'

export default defineConfig({
  dialect: 'postgresql',
  schema: [
    './src/tables/deliveries.ts',
    './src/tables/bodies.ts',
    './src/tables/upkeep.ts',
    './src/tables/feed.ts',
    './src/tables/erasures.ts',
    './src/tables/people.ts',
    './src/tables/days.ts',
    './src/tables/reconcile.ts',
    './src/tables/unverified.ts',
    './src/vendors/*/tables/*.ts',
  ],
  out: './migrations',
})
