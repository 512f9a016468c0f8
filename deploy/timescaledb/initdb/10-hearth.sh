#!/bin/sh
# Run once, by the image, when the database is made: the owner of Hearth's database and an account for each process.
# What the roles may do is set by every `hearth migrate` (store/grants.sql).
set -eu
cd "${HEARTH_SECRETS:-/run/secrets}"

psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --dbname postgres <<'SQL'
\set owner `cat database_owner_password`
\set ingest `cat database_ingest_password`
\set watch `cat database_watch_password`
\set notify `cat database_notify_password`
\set api `cat database_api_password`
\set grafana `cat database_grafana_password`
\set exporter `cat database_exporter_password`
\set backup `cat database_backup_password`

CREATE ROLE hearth_login_owner LOGIN CREATEROLE PASSWORD :'owner';
CREATE DATABASE hearth OWNER hearth_login_owner ENCODING 'UTF8' TEMPLATE template0;

-- What Prometheus is told: figures of the server, and no table. Base backups: a copy of the files, and no statement.
CREATE ROLE hearth_login_exporter LOGIN PASSWORD :'exporter' IN ROLE pg_read_all_stats;
ALTER ROLE hearth_login_exporter SET statement_timeout = '5s';
CREATE ROLE hearth_login_backup LOGIN REPLICATION PASSWORD :'backup';

\connect hearth
CREATE EXTENSION IF NOT EXISTS timescaledb;

SET ROLE hearth_login_owner;
CREATE ROLE hearth_ingest NOLOGIN;
CREATE ROLE hearth_watch NOLOGIN;
CREATE ROLE hearth_notify NOLOGIN;
CREATE ROLE hearth_api NOLOGIN;
CREATE ROLE hearth_identity NOLOGIN;
CREATE ROLE hearth_office NOLOGIN;
CREATE ROLE hearth_grafana NOLOGIN;
CREATE ROLE hearth_login_ingest LOGIN PASSWORD :'ingest' IN ROLE hearth_ingest;
CREATE ROLE hearth_login_watch LOGIN PASSWORD :'watch' IN ROLE hearth_watch;
CREATE ROLE hearth_login_notify LOGIN PASSWORD :'notify' IN ROLE hearth_notify;
CREATE ROLE hearth_login_api LOGIN PASSWORD :'api' IN ROLE hearth_api, hearth_identity;
CREATE ROLE hearth_login_grafana LOGIN PASSWORD :'grafana' IN ROLE hearth_grafana;
SQL
