-- A chunk may share its bytes with another submission's, of whose jobs these are some, run once more: JSON, a list of
-- [start, stop), which positions in the packed bytes they are. NULL: all, in order.
ALTER TABLE chunks ADD COLUMN picks TEXT;
