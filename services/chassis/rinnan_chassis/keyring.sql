-- The keyring: one table per seal group, so that PostgreSQL itself keeps a room from the keys it may not open.
-- The schema's owner runs it, again at will. The groups below are those of rinnan_events.Group (a test compares them).

do $$
declare
    seal_group text;
begin
    foreach seal_group in array array[
        'identity', 'own', 'contact', 'protection', 'consent', 'screening', 'care', 'record'
    ] loop
        -- party: all zeros where the key is the registration's own. A tombstone is the key's row without the key.
        execute format($table$
            create table if not exists keyring.%I (
                subject uuid not null,
                party uuid not null,
                wrapped bytea,
                kid text,
                minted_at timestamptz not null default now(),
                destroyed_at timestamptz,
                primary key (subject, party),
                check ((wrapped is null) = (destroyed_at is not null))
            )
        $table$, 'key_' || seal_group);
    end loop;
end
$$;

-- Destroying needs neither a wrapping key nor the right to read a key. Groups and parties are taken in one fixed order,
-- the same in which keys are minted, so that a minting and a destruction never wait for each other in a circle.
create or replace function keyring.destroy(of_subject uuid, of_parties uuid[], of_groups text[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    seal_group text;
begin
    for seal_group in select distinct named collate "C" from unnest(of_groups) as named order by 1 loop
        execute format($tombstone$
            insert into keyring.%I as held (subject, party, destroyed_at)
            select distinct $1, party, now() from unnest($2) as party order by party
            on conflict (subject, party) do update
                set wrapped = null, destroyed_at = coalesce(held.destroyed_at, excluded.destroyed_at)
        $tombstone$, 'key_' || seal_group) using of_subject, of_parties;
    end loop;
end
$$;

-- The proof of a purge: how many keys of a subject still live, in all groups together.
create or replace function keyring.live(of_subject uuid) returns bigint
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    key_table text;
    found bigint;
    total bigint := 0;
begin
    for key_table in select tablename from pg_tables where schemaname = 'keyring' and tablename like 'key\_%' loop
        execute format('select count(*) from keyring.%I where subject = $1 and wrapped is not null', key_table)
            into found using of_subject;
        total := total + found;
    end loop;
    return total;
end
$$;

revoke all on function keyring.destroy(uuid, uuid[], text[]), keyring.live(uuid) from public;
