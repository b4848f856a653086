#!/bin/bash
# Runs once, when the cluster is made: an account for the roles that is no superuser, and a database for each role.
set -euo pipefail

: "${DENGBEI_PASSWORD:?缺少 / missing: run deploy/compose-secrets}"

psql -v ON_ERROR_STOP=1 -v password="$DENGBEI_PASSWORD" --username "$POSTGRES_USER" <<'SQL'
create role dengbei login password :'password';
SQL
for role in gateway ingest registration fixity replication query; do
  psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" \
    -c "create database dengbei_$role owner dengbei encoding 'UTF8' template template0"
  psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" -d "dengbei_$role" \
    -c "revoke all on database dengbei_$role from public" -c "revoke create on schema public from public" \
    -c "alter schema public owner to dengbei"
done
