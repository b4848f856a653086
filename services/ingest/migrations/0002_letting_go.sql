-- Bytes are let go segment by segment: a file that goes whole costs one removal, a hole in a living one costs a punch
-- for every submission.
drop index submissions_to_release;
-- Which segments hold what is undecided, and which hold only what is decided.
create index submissions_staged on submissions (segment, custody) where segment is not null;
