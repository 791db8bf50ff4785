import { Migration } from '@mikro-orm/migrations'

const statements = [
  // Unlogged: written often, and worth nothing a minute later. After a crash of the database every limit starts afresh.
  `create unlogged table "rate_limit_counters" (
    "key" varchar(255) not null,
    "points" int not null default 0,
    "expire" bigint null,
    primary key ("key")
  )`,
  'alter table "rate_limit_counters" enable row level security',
  'alter table "rate_limit_counters" force row level security',
  'create policy "rate_limit_counters_server" on "rate_limit_counters" to "tenantry_server" using (true) with check (true)',
  'grant select, insert, update, delete on rate_limit_counters to tenantry_server',
]

/** The counters of rate limits, for instances that share no Redis. */
export class RateLimits extends Migration {
  override up(): void {
    for (const statement of statements) this.addSql(statement)
  }
}
