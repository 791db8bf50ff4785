import { Migration } from '@mikro-orm/migrations'

const statements = [
  `create table "trusted_documents" (
    "hash" text not null,
    "body" text not null,
    "name" text not null,
    "created_at" timestamptz(3) not null default now(),
    primary key ("hash")
  )`,
  'alter table "trusted_documents" enable row level security',
  'alter table "trusted_documents" force row level security',
  'create policy "trusted_documents_all" on "trusted_documents" using (true) with check (true)',
  // No more than this for any role that serves: who could add a document would have it trusted.
  'grant select on trusted_documents to tenantry_server',
]

/** Documents that are known beforehand. */
export class TrustedDocuments extends Migration {
  override up(): void {
    for (const statement of statements) this.addSql(statement)
  }
}
