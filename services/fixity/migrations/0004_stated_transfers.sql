-- 移交检测: what was stated comes back from the log (transfer.checked), with its report from registration.

-- when its verdict was recorded, milliseconds; kept when it is opened again, so that the verdict before is not taken for the next
alter table transfer_runs add column stated_at bigint not null default 0;
-- SHA-256 of the report's document
alter table transfer_runs add column report bytea;
-- whether that document is here; what came back from the log alone has it fetched
alter table transfer_runs add column is_kept boolean not null default true;
alter table transfer_runs
    add constraint transfer_runs_report_is_sha256 check (report is null or length(report) = 32);
update transfer_runs set stated_at = (extract(epoch from now()) * 1000)::bigint where stated is not null;
create index transfer_runs_unkept on transfer_runs (due_at) where not is_kept;
