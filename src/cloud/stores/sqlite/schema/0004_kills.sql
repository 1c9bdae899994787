-- Claimed jobs that a user has killed and that have not ended yet: start <= jid < stop. Whoever reaps their claim ends them
-- instead of putting them back. Rows that no claim overlaps mean nothing and go with the next kill.

CREATE TABLE kills (
    start INTEGER NOT NULL,
    stop  INTEGER NOT NULL,
    PRIMARY KEY (start, stop)
) WITHOUT ROWID;
