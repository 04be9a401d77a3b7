/** The name of the scheme of what Nightpost pulls, in `Vendor.schemes`: the vendor's own API proves itself by TLS. */
export const PULL = 'pull'
