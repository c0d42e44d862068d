//! The tables, and how an older file becomes a newer one.

/// Marks a SQLite file as ours (`PRAGMA application_id`): "STRW".
pub(crate) const APPLICATION_ID: i64 = 0x5354_5257;

/// The steps that lead from an empty file to today's schema; `PRAGMA user_version` counts those taken.
/// A step that was released is never changed: a change of the schema is a new step.
pub(crate) const STEPS: &[&str] = &[
    "
    CREATE TABLE runs (
        key       INTEGER PRIMARY KEY,
        id        TEXT NOT NULL UNIQUE,
        time_ms   INTEGER NOT NULL,
        model     TEXT NOT NULL,
        strategy  TEXT NOT NULL,
        effort    TEXT,
        question  TEXT NOT NULL,
        answer    TEXT,
        status    TEXT NOT NULL,
        attempts  INTEGER NOT NULL DEFAULT 0,
        tokens    INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX runs_by_time ON runs (time_ms, key);

    CREATE TABLE events (
        run   INTEGER NOT NULL REFERENCES runs (key) ON DELETE CASCADE,
        seq   INTEGER NOT NULL,
        json  TEXT NOT NULL,
        PRIMARY KEY (run, seq)
    ) STRICT;

    CREATE TABLE jobs (
        key       INTEGER PRIMARY KEY,
        id        TEXT NOT NULL UNIQUE,
        time_ms   INTEGER NOT NULL,
        source    TEXT NOT NULL,
        problems  INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE job_results (
        job      INTEGER NOT NULL REFERENCES jobs (key) ON DELETE CASCADE,
        problem  INTEGER NOT NULL,
        run      TEXT,
        json     TEXT NOT NULL,
        PRIMARY KEY (job, problem)
    ) STRICT;

    CREATE TABLE conversations (
        key      INTEGER PRIMARY KEY,
        id       TEXT NOT NULL UNIQUE,
        time_ms  INTEGER NOT NULL,
        title    TEXT NOT NULL,
        effort   TEXT
    ) STRICT;
    CREATE INDEX conversations_by_time ON conversations (time_ms, key);

    CREATE TABLE messages (
        conversation  INTEGER NOT NULL REFERENCES conversations (key) ON DELETE CASCADE,
        seq           INTEGER NOT NULL,
        run           TEXT,
        json          TEXT NOT NULL,
        PRIMARY KEY (conversation, seq)
    ) STRICT;
",
    // The HTTP API: keys, what each caller used per day, stored responses with their background jobs.
    "
    CREATE TABLE api_keys (
        key                  INTEGER PRIMARY KEY,
        id                   TEXT NOT NULL UNIQUE,
        name                 TEXT NOT NULL,
        hash                 TEXT NOT NULL UNIQUE,
        time_ms              INTEGER NOT NULL,
        requests_per_minute  INTEGER,
        tokens_per_day       INTEGER
    ) STRICT;

    CREATE TABLE api_usage (
        caller             TEXT NOT NULL,
        day                INTEGER NOT NULL,
        model              TEXT NOT NULL,
        requests           INTEGER NOT NULL,
        prompt_tokens      INTEGER NOT NULL,
        reasoning_tokens   INTEGER NOT NULL,
        completion_tokens  INTEGER NOT NULL,
        PRIMARY KEY (caller, day, model)
    ) STRICT;

    CREATE TABLE responses (
        key         INTEGER PRIMARY KEY,
        id          TEXT NOT NULL UNIQUE,
        caller      TEXT NOT NULL,
        time_ms     INTEGER NOT NULL,
        status      TEXT NOT NULL,
        background  INTEGER NOT NULL,
        request     TEXT NOT NULL,
        response    TEXT NOT NULL,
        worker      TEXT,
        lease_ms    INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX responses_open ON responses (key) WHERE background = 1 AND status IN ('queued', 'in_progress');
",
    // The web app: conversations as trees with an owner (empty: whoever has the machine), users, sessions.
    "
    ALTER TABLE conversations ADD COLUMN owner TEXT NOT NULL DEFAULT '';
    ALTER TABLE conversations ADD COLUMN folder TEXT;
    ALTER TABLE conversations ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE conversations ADD COLUMN archived INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE conversations ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';
    ALTER TABLE conversations ADD COLUMN leaf INTEGER;
    ALTER TABLE messages ADD COLUMN parent INTEGER;
    ALTER TABLE messages ADD COLUMN time_ms INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE messages ADD COLUMN meta TEXT NOT NULL DEFAULT '{}';
    UPDATE messages SET parent = seq - 1 WHERE seq > 0;
    UPDATE conversations SET leaf = (SELECT max(seq) FROM messages WHERE conversation = key);

    CREATE TABLE users (
        key       INTEGER PRIMARY KEY,
        id        TEXT NOT NULL UNIQUE,
        name      TEXT NOT NULL UNIQUE COLLATE NOCASE,
        password  TEXT NOT NULL,
        admin     INTEGER NOT NULL,
        time_ms   INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE sessions (
        hash        TEXT PRIMARY KEY,
        user        INTEGER NOT NULL REFERENCES users (key) ON DELETE CASCADE,
        expires_ms  INTEGER NOT NULL
    ) STRICT;
",
];
