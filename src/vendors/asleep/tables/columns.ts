import { text } from 'drizzle-orm/pg-core'

export const key = {
  user_id: text().notNull(),
  session_id: text().notNull(),
}

export const keyComments = {
  user_id: 'Asleep user id (data.user_id); opaque text.',
  session_id: 'Asleep session id (data.session.id, older: data.session_id); opaque text.',
}

export const seriesComment =
  'sleep (-1 no data, 0 wake, 1 light, 2 deep, 3 REM), breath (codes not documented) or snoring (0 no, 1 snoring).'
