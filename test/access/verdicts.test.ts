import { expect, test } from '@jest/globals'
import { array, asyncProperty, integer } from 'fast-check'
import { getOperationAST, getVariableValues, parse, validate } from 'graphql'
import { choicesFrom, tape, type Choices } from '../choices.ts'
import { property } from '../property.ts'
import { givenEngine, guardedVerdict, plannedVerdict, type Case, type Engine } from './engine.ts'
import { randomDocument } from './random-document.ts'
import { randomSchema } from './random-schema.ts'
import { randomWorld } from './random-world.ts'
import { judge, type Caller, type Verdict } from './reference.ts'

const grantsOf = { VIEWER: ['read:*'], DEVELOPER: ['read:*', 'write:projects', 'write:gateways'], ADMIN: ['*:*'] }
const grants = [[], ['read:projects'], ['read:*'], ['*:projects'], ['write:gateways', 'read:gateways'], ['*:*']]

/** Anyone: with a role and its scopes, with a key beside a token, with a key alone, from elsewhere, or nobody. */
function callerFrom(c: Choices): Caller | null {
  const kind = c.of(['USER', 'API_KEY', 'USER', 'EXTERNAL', 'OPERATOR', null] as const)
  if (kind === null) return null
  if (kind === 'API_KEY') return { kind, role: null, grants: [c.of(grants)] }
  if (kind === 'EXTERNAL') return { kind, role: null, grants: [c.of(grants), c.of(grants)] }
  const role = c.of(['VIEWER', 'DEVELOPER', 'ADMIN', null] as const)
  const held = role === null ? [] : grantsOf[role]
  return { kind, role, grants: c.chance(20) ? [held, c.of(grants)] : [held] }
}

const counts = { drawn: 0, invalid: 0, refused: 0, executed: 0, types: 0, fields: 0, arguments: 0, inputFields: 0 }

/** Draws an operation; null for the few that do not fit their schema. */
function caseFrom(engine: Engine, documentTape: Uint8Array, seed: number): Omit<Case, 'caller' | 'signedIn'> | null {
  const c = choicesFrom(documentTape)
  const { text, operationName, variables, hasDefaults } = randomDocument(
    c,
    engine.schema,
    c.of(['query', 'mutation'] as const),
  )
  const document = parse(text)
  counts.drawn += 1
  const operation = getOperationAST(document, operationName)
  if (!operation || validate(engine.schema, document).length > 0) {
    counts.invalid += 1
    return null
  }
  const world = randomWorld(engine.schema, seed)
  return { document, operation, operationName, variables, world, handsVariables: hasDefaults }
}

/** True when the variables do not fit, or a condition is null: an error of its own, of which access has nothing to say. */
function isUnfit({ schema }: Engine, { operation, variables }: Case): boolean {
  const { errors } = getVariableValues(schema, operation.variableDefinitions ?? [], variables)
  return (
    errors !== undefined || Object.entries(variables).some(([name, value]) => name.startsWith('if') && value === null)
  )
}

function countVerdict({ denied, refused }: Verdict): void {
  const has = (coordinate: RegExp) => ([...denied].some((denial) => coordinate.test(denial)) ? 1 : 0)
  counts.refused += refused ? 1 : 0
  counts.types += has(/ \w+\*$/)
  counts.fields += has(/ [A-D]\.\w+\*?$/)
  counts.arguments += has(/ [A-D]\.\w+\(/)
  counts.inputFields += has(/ [MN]\./)
}

async function compare(engine: Engine, one: Case): Promise<void> {
  const told = { caller: one.caller, text: one.document.loc?.source.body, variables: one.variables }
  const ahead = judge({ ...one, schema: engine.schema, world: null })
  const planned = plannedVerdict(engine, one)
  countVerdict(ahead)
  expect({ ...told, denied: [...planned.denied].sort(), refused: planned.refused }).toEqual({
    ...told,
    denied: [...ahead.denied].sort(),
    refused: ahead.refused,
  })
  if (isUnfit(engine, one)) return
  counts.executed += 1
  const there = judge({ ...one, schema: engine.schema })
  const guarded = await guardedVerdict(engine, one)
  // Of several inputs of a field that are denied, its error tells one.
  const known = new Set([...there.denied].map((denial) => denial.replace('*', '')))
  expect({
    ...told,
    served: [...guarded.served].sort(),
    ...placesOf(guarded.denied),
    other: guarded.denied.filter((denial) => !known.has(denial)),
  }).toEqual({
    ...told,
    served: [...there.served].sort(),
    ...placesOf(known),
    other: [],
  })
}

const placesOf = (denials: Iterable<string>) => ({
  places: [...new Set([...denials].map((denial) => denial.split(' ')[0]))].sort(),
})

property('the plan, the guards and a plain reading of the rules come to the same verdict', 250, () =>
  asyncProperty(
    tape(1000),
    array(tape(250), { minLength: 1, maxLength: 2 }),
    tape(16),
    integer({ min: 0, max: 1_000_000 }),
    async (schemaTape, documentTapes, callerTape, seed) => {
      const engine = givenEngine(randomSchema(choicesFrom(schemaTape)))
      const callers = choicesFrom(callerTape)
      for (const documentTape of documentTapes) {
        const drawn = caseFrom(engine, documentTape, seed)
        if (!drawn) continue
        for (const caller of [callerFrom(callers), callerFrom(callers)]) {
          await compare(engine, { ...drawn, caller, signedIn: callerFrom(callers) })
        }
      }
    },
  ),
)

test('what was drawn is nearly always valid, and has come to verdicts of every kind', () => {
  const { drawn, invalid, ...others } = counts
  // A single case that is looked at again says nothing of the others.
  if (drawn < 100) return
  const tooFew = Object.entries(others).filter(([, count]) => count < drawn * 0.03)
  expect({ counts, tooFew, isMostlyValid: invalid < drawn * 0.2 }).toEqual({ counts, tooFew: [], isMostlyValid: true })
})
