import { createHmac } from 'node:crypto'
import type { Proof, Vendor } from '../contract/vendor.ts'
import { vendors } from '../vendors/index.ts'
import { envFile } from './environment.ts'
import type { Config } from './settings.ts'

/**
 * Commands for a shell that send each vendor's example, one for each way to authenticate that is configured. A configured
 * credential is not shown: the shell reads it from where Nightpost reads it.
 */
export function tryLines(config: Config, address: string, generated: boolean): string[] {
  const blocks = vendors.flatMap((vendor) => {
    const url = `${address}/webhooks/${vendor.name}`
    const proofs = Object.entries(vendor.proofs)
      .filter(([, { setting }]) => config.credentials(setting).length > 0)
      .sort(([, a], [, b]) => Number(b.kind === 'signature') - Number(a.kind === 'signature'))
    return proofs.map(([header, proof]) => {
      const [secret = ''] = config.credentials(proof.setting)
      const how = proofs.length > 1 ? ` (${header})` : ''
      const line = command(vendor, url, [header, proof], {
        secret,
        text: generated ? secret : fromShell(proof.setting),
      })
      return ['', `Try ${vendor.name}${how}`, `  ${line}`]
    })
  })
  return [...(generated ? [] : exports(config)), ...blocks.flat()]
}

/** What a shell inserts for the first credential of a setting, inside double quotes. */
function fromShell(setting: string): string {
  const file = process.env[`${setting}_FILE`]?.trim()
  return file ? `$(grep -m 1 . ${quoted(file)})` : `\${${setting}%%,*}`
}

/** Commands that read the credentials of `.env` into the shell, which does not know them. */
function exports(config: Config): string[] {
  const inFile = envFile()
  const names = vendors
    .flatMap(({ credentials }) => Object.keys(credentials))
    .filter(
      (name) => config.credentials(name).length > 0 && inFile[name] && process.env[name] === inFile[name],
    )
  if (names.length === 0) return []
  const lines = names.map((name) => `  export ${name}="$(node --env-file=.env -p process.env.${name})"`)
  return ['', 'For the commands below, read the credentials of .env into your shell', ...lines]
}

interface Credential {
  readonly secret: string
  /** What stands for it in the command. The shell expands it inside double quotes. */
  readonly text: string
}

function command(
  vendor: Vendor,
  url: string,
  [header, proof]: [string, Proof],
  { secret, text }: Credential,
): string {
  const exampleWith = (credential: string) =>
    vendor.example((setting) => (setting === proof.setting ? [credential] : []))
  const { headers, body } = exampleWith(PLACEHOLDER)
  const isSigned = Object.values(headers).includes(hmac(body))
  // A signature of another kind is printed as it is: it proves this one body.
  const isLiteral = proof.kind === 'signature' && !isSigned
  const given = { 'content-type': 'application/json', ...(isLiteral ? exampleWith(secret).headers : headers) }
  const options = Object.entries(given).map(([name, value]) => {
    if (isLiteral || name.toLowerCase() !== header) return `-H ${quoted(`${name}: ${value}`)}`
    return `-H "${name}: ${isSigned ? signing(text) : text}"`
  })
  const send = `curl ${url} ${options.join(' ')}`
  return isSigned ? `body=${quoted(body)}; ${send} -d "$body"` : `${send} -d ${quoted(body)}`
}

/** Stands for the credential in a vendor's example, so that a header that carries its HMAC is recognised. */
const PLACEHOLDER = 'placeholder'

const hmac = (body: string) => createHmac('sha256', PLACEHOLDER).update(body).digest('hex')

const signing = (secret: string) =>
  `$(printf %s "$body" | openssl dgst -sha256 -hmac "${secret}" -r | cut -d ' ' -f 1)`

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`
