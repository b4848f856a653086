-- A claim is made for every bundle that is heard and always finds its rows by key: its statements are planned once a
-- connection, however the caller's are (decision 0027).
alter function bus.claim_whole(text, text, bigint) set plan_cache_mode = 'force_generic_plan';
alter function bus.claim_whole(text, text, bigint) set enable_seqscan = 'off';
