-- Several processes of one service share an inbox. A bundle is claimed whole, or event by event after a failure; the two
-- ways meet in different tables, so both first take the bundle's own lock, and look only then: a statement alone would
-- look at the tables as they were before it waited. A function, because the whole claim is one round trip in the hot
-- path; in plpgsql, because there each statement looks anew.
create function bus.lock_bundle(consumer text, producer text, sequence bigint) returns void
language sql volatile as
$$ select pg_advisory_xact_lock(hashtextextended('dengbei bundle ' || consumer || ' ' || producer, sequence)) $$;

create function bus.claim_whole(a_consumer text, a_producer text, a_sequence bigint) returns boolean
language plpgsql volatile as $$
begin
    perform bus.lock_bundle(a_consumer, a_producer, a_sequence);
    insert into bus.inbox (consumer, producer, sequence)
    select a_consumer, a_producer, a_sequence
    where not exists (select from bus.watermark w
                      where w.consumer = a_consumer and w.producer = a_producer and w.up_to >= a_sequence)
      and not exists (select from bus.settled s
                      where s.consumer = a_consumer and s.producer = a_producer and s.sequence = a_sequence)
    on conflict do nothing;
    return found;
end $$;
