/**
 * SQL that joins deliveries `d` with their bodies `b` on Citus, where `ids` is the parameter with the ids. By the owner each shard
 * joins its own rows. By the id alone Citus would first copy all bodies to every node.
 */
export const joinBodies = (ids: string): string =>
  `delivery_bodies as b on b.owner = d.owner and b.delivery_id = d.delivery_id and b.delivery_id = any(${ids}::uuid[])`
