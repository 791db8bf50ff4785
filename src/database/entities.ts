import type { EntitySchema } from '@mikro-orm/core'

/** The entities that the ORM is to know: those of every feature, and the pipeline's own. */
export type Entities = readonly EntitySchema[]
