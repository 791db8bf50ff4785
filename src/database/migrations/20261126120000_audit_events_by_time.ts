import { Migration } from '@mikro-orm/migrations'

const indexed = [
  [['created_at'], ['created_at', 'id']],
  [
    ['organization_id', 'id'],
    ['organization_id', 'created_at', 'id'],
  ],
  [
    ['organization_id', 'action', 'id'],
    ['organization_id', 'action', 'created_at', 'id'],
  ],
  [
    ['organization_id', 'actor_id', 'id'],
    ['organization_id', 'actor_id', 'created_at', 'id'],
  ],
] as const

const nameOf = (columns: readonly string[]) => `audit_events_${columns.join('_')}_index`

/** Audit events are listed, and filtered, by when they happened. */
export class AuditEventsByTime extends Migration {
  override up(): void {
    for (const [before, after] of indexed) {
      this.addSql(
        `create index "${nameOf(after)}" on "audit_events" (${after.map((column) => `"${column}"`).join(', ')})`,
      )
      this.addSql(`drop index "${nameOf(before)}"`)
    }
  }
}
