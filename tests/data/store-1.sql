BEGIN TRANSACTION;
CREATE TABLE audit (
	number INTEGER NOT NULL, 
	at VARCHAR(40) NOT NULL, 
	kind VARCHAR(24) NOT NULL, 
	data TEXT NOT NULL, 
	previous VARCHAR(64) NOT NULL, 
	hash VARCHAR(64) NOT NULL, 
	PRIMARY KEY (number)
);
CREATE TABLE denials (
	sender VARCHAR(255) NOT NULL, 
	since FLOAT NOT NULL, 
	more INTEGER NOT NULL, 
	PRIMARY KEY (sender)
);
CREATE TABLE handled (
	event_id VARCHAR(255) NOT NULL, 
	at FLOAT NOT NULL, 
	PRIMARY KEY (event_id)
);
CREATE TABLE jobs (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	event_id VARCHAR(255) NOT NULL, 
	room VARCHAR(255) NOT NULL, 
	sender VARCHAR(255) NOT NULL, 
	person VARCHAR(255) NOT NULL, 
	line TEXT NOT NULL, 
	cut BOOLEAN NOT NULL, 
	state VARCHAR(24) NOT NULL, 
	code VARCHAR(24) NOT NULL, 
	result TEXT NOT NULL, 
	risk INTEGER NOT NULL, 
	no_return BOOLEAN NOT NULL, 
	created FLOAT NOT NULL, 
	started FLOAT, 
	touched FLOAT NOT NULL, 
	ended FLOAT, 
	UNIQUE (event_id)
);
INSERT INTO "jobs" VALUES(1,'$e','#nounou:localhost','@anna:localhost','anna','!migrate vm fz',0,'queued','','',0,0,1000.0,NULL,1000.0,NULL);
CREATE TABLE locks (
	job INTEGER NOT NULL, 
	"key" VARCHAR(255) NOT NULL, 
	state VARCHAR(24) NOT NULL, 
	UNIQUE (job, "key"), 
	FOREIGN KEY(job) REFERENCES jobs (id)
);
CREATE TABLE meta (
	"key" VARCHAR(64) NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "meta" VALUES('schema','1');
INSERT INTO "meta" VALUES('site','2bbcd2c54bcb4ef7bd32d4a83850dece');
INSERT INTO "meta" VALUES('audit','0 0000000000000000000000000000000000000000000000000000000000000000');
CREATE TABLE notes (
	job INTEGER NOT NULL, 
	"key" VARCHAR(64) NOT NULL, 
	value TEXT NOT NULL, 
	UNIQUE (job, "key"), 
	FOREIGN KEY(job) REFERENCES jobs (id)
);
CREATE TABLE outbox (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	room VARCHAR(255) NOT NULL, 
	txn VARCHAR(128) NOT NULL, 
	plain TEXT NOT NULL, 
	html TEXT NOT NULL, 
	about VARCHAR(255), 
	threaded BOOLEAN NOT NULL, 
	edits VARCHAR(128), 
	status TEXT, 
	state VARCHAR(12) NOT NULL, 
	event_id VARCHAR(255), 
	UNIQUE (txn)
);
INSERT INTO "outbox" VALUES(1,'#nounou:localhost','t1','pong','pong',NULL,0,NULL,NULL,'waiting',NULL);
CREATE TABLE steps (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	job INTEGER NOT NULL, 
	title TEXT NOT NULL, 
	changes BOOLEAN NOT NULL, 
	started FLOAT NOT NULL, 
	ended FLOAT, 
	ok BOOLEAN, 
	FOREIGN KEY(job) REFERENCES jobs (id)
);
CREATE INDEX jobs_by_state ON jobs (state);
CREATE INDEX outbox_by_state ON outbox (state, id);
CREATE INDEX ix_steps_job ON steps (job);
CREATE UNIQUE INDEX one_holder ON locks ("key") WHERE state IN ('running', 'undetermined');
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('jobs',1);
INSERT INTO "sqlite_sequence" VALUES('outbox',1);
COMMIT;
