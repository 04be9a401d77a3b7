/** What the labels of the vendor mean. NO_REALTIME_POLLING is not explained anywhere; the text follows its name. */
const MEANINGS = new Map([
  ['IN_PROGRESS', 'the session is still in progress'],
  ['NEVER_SLEPT', 'no sleep was found'],
  ['TOO_SHORT_FOR_ANALYSIS', 'the recording is too short to be analysed'],
  ['TOO_LONG_FOR_ANALYSIS', 'the recording is too long to be analysed'],
  ['TOO_MANY_DEFECTS_IN_SLEEP_STAGES', 'too much of the recording is unusable'],
  ['NO_BREATHING_STABILITY', 'breathing was not analysed'],
  ['NO_REALTIME_POLLING', 'no results were fetched while the session ran'],
])

/** A label in words. A label that is not documented becomes its own words: `SOME_LABEL`, some label. */
export function inWords(peculiarity: string): string {
  return MEANINGS.get(peculiarity) ?? peculiarity.toLowerCase().replaceAll('_', ' ')
}
