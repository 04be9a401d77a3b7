import type { Vendor } from './vendor.ts'

/** The headers in which a vendor names a user. */
export const userHeaders = ({ schemes }: Vendor): string[] => [
  ...new Set(Object.values(schemes).flatMap(({ userHeader }) => userHeader ?? [])),
]

/**
 * The users that headers name, whichever scheme was meant. Node decodes headers as Latin-1, and so the ledger has them; the user
 * id of a delivery is decoded as UTF-8 if that is possible. So each has both forms, if they differ.
 */
export function usersNamed(
  vendor: Vendor,
  headers: Readonly<Record<string, string | string[] | undefined>>,
): string[] {
  const named = userHeaders(vendor).flatMap((name) => headers[name] || [])
  return [...new Set(named.flatMap((user) => [user, Buffer.from(user, 'latin1').toString('utf8')]))]
}
