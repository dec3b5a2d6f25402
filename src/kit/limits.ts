// Every bound in the system, with the reason for its size. Milliseconds, bytes, counts.

/** A machine in another region answers a TCP and TLS handshake well within this; more would make the operator wait. */
export const DIAL_MS_MAX = 1_500
/** A door that has no shortcut for us (an older release, another user) may have one after an upgrade. */
export const SHORTCUT_FORGONE_MS = 60_000
/** One whose socket is not there: its runtime may be starting anew, or we see other files than its host does. */
export const SHORTCUT_GONE_MS = 5_000
/** With less time left than this a door that did not answer is not dialled again. */
export const DIAL_AGAIN_MS_MIN = 50
/** The path of a unix socket has 107 bytes (unix(7)). */
export const SHORTCUT_PATH_BYTES_MAX = 200

/** How often a machine looks whether its certificate is due: often enough for lives of seconds, seldom for months. */
export const RENEW_LOOK_MS_MIN = 200
export const RENEW_LOOK_MS_MAX = 60_000
/** A call for a certificate: control signs in milliseconds, its database may be busy. */
export const CERTIFICATE_CALL_MS_MAX = 10_000
/** How long a machine's certificate is good. It is renewed after 20 days; control may be gone for the other 10. */
export const CERTIFICATE_MS = 30 * 86_400_000
export const CERTIFICATE_MS_MIN = 2_000
export const CERTIFICATE_MS_MAX = 397 * 86_400_000
/** How long a join token is good: long enough to walk to the other machine. */
export const JOIN_TOKEN_MS = 3_600_000
export const JOIN_TOKEN_MS_MIN = 1_000
export const JOIN_TOKEN_MS_MAX = 7 * 86_400_000

/** How often a host tells control its facts. One second keeps 1,000 hosts below 1,000 requests a second. */
export const HEARTBEAT_EVERY_MS = 1_000

/** A host asks for proof this often; several may be lost before the lease runs out. */
export const PROOF_EVERY_MS = 500
/** How long a proof lets a primary be written to. The standby's host waits this long before it promotes. */
export const LEASE_MS = 4_000
/** The guard stops PostgreSQL this long before the lease ends, since stopping takes a moment. */
export const LEASE_STOP_MARGIN_MS = 300
/** A PostgreSQL that is shut is not opened with less of its lease left; with proof every 500 ms it soon has more. */
export const OPEN_LEASE_MS_MIN = 2_000
/** How often the guard looks; part of what the stop margin covers. */
export const GUARD_TICK_MS = 50
/** A host that has not come back to its guard by now will not soon: PostgreSQL without a host serves nobody. */
export const GUARD_HOST_GONE_MS = 30_000
/** Added by the standby's host on top of the lease: 10 ms clock steps, rate differences between two machines. */
export const LEASE_WAIT_MARGIN_MS = 200
/** A standby's host that is silent this long is worked around: control may release the standby. */
export const RELEASE_AFTER_MS = 1_500

/** What was heard ages only while the listener is awake: how often it looks, and the most that one gap counts. */
export const AWAKE_TICK_MS = 100
export const AWAKE_STEP_MS_MAX = 500
/** A machine that somebody heard within the first is lost only after so much more silence everywhere else. */
export const HEARD_LATELY_MS = 2_000
export const CONTRADICTED_MORE_MS = 2_000
/** A heartbeat older than this is evidence that a host is gone: one period, a pause of 2 s, and some slack. */
export const HEARTBEAT_SILENT_MS = 3_500
/** A gateway's probes: how often, how long each may take, and how long without success counts as evidence. */
export const PROBE_EVERY_MS = 500
export const PROBE_MS_MAX = 1_000
export const PROBE_SILENT_MS = 3_000
/** A gateway whose own heartbeat (every 500 ms) is older than this is no vantage point, and is named as late. */
export const GATEWAY_SILENT_MS = 2_500
/** How often control looks after servers and standbys. */
export const STEWARD_EVERY_MS = 500
/** Connections to the control database of one control process. */
export const CONTROL_CONNECTIONS_MAX = 12
/** One host of the control database's URL: how long it may take to answer before the next one is tried. */
export const CONTROL_DATABASE_DIAL_MS_MAX = 2_000
/** How long a call waits for the control database to be writable again somewhere: people are promised an answer. */
export const CONTROL_DATABASE_FIND_MS_MAX = 4_000
/** One statement on the control database; beyond, its host is taken for dead and the others are asked. */
export const CONTROL_QUERY_MS_MAX = 10_000
/** PostgreSQL ends a transaction of ours that lies idle: a paused process must not keep its locks from the next one. */
export const CONTROL_TRANSACTION_IDLE_MS_MAX = 2_000
/** Waiting for a lock in the control database; its transactions last milliseconds. */
export const CONTROL_LOCK_MS_MAX = 8_000
/** How often a control process says that it is there, and looks who executes. */
export const CONTROL_PRESENT_EVERY_MS = 500
/** An executor that is silent this long is replaced: a pause of 2 s must not do it, and 5 s are promised. */
export const CONTROL_SILENT_MS = 3_000
/** One that stands by looks again when the executor will have been silent for so long, and not at once. */
export const CONTROL_LOOK_MS_MIN = 50
/** A control process that was not seen for a day is forgotten. */
export const CONTROL_FORGET_MS = 86_400_000
/** How often control turns facts into verdicts. */
export const JUDGE_EVERY_MS = 250
/** Scripts of a service fail: at least so many runs in this time, and at least this share of all. */
export const SCRIPT_RUNS_WINDOW_MS = 60_000
export const SCRIPTS_FAILED_MIN = 5
export const SCRIPTS_FAILED_SHARE = 0.5
/** A standby is behind: half of what a recovery may lose unasked, or more than a slow moment leaves. */
export const STANDBY_BEHIND_MS = 30_000
export const STANDBY_BEHIND_BYTES = 268_435_456
/** A vault that refuses is told when the newest restorable moment is this old: WAL is stored within 5 s. */
export const VAULT_BEHIND_MS = 30_000
/** A gateway is overloaded: looked at over this time, its one thread has no pause left. */
export const GATEWAY_LOAD_WINDOW_MS = 4_000
export const GATEWAY_BUSY_MAX = 0.95
/** Certificates are renewed at a third of their life; one that is not by a quarter, or with a day left, is told. */
export const CERTIFICATE_LEFT_SHARE_MIN = 0.25
export const CERTIFICATE_LEFT_MS_MIN = 86_400_000
/** Notices: looked for this often; one call or mail takes no longer; tried again after these, and then given up. */
export const NOTICE_LOOK_EVERY_MS = 1_000
export const NOTICE_CONNECT_MS_MAX = 5_000
export const NOTICE_SEND_MS_MAX = 10_000
export const NOTICE_RETRY_MS = [2_000, 10_000, 60_000, 300_000, 900_000, 3_600_000, 10_800_000, 43_200_000]
export const NOTICES_AT_ONCE = 200
export const NOTICE_TARGETS_MAX = 20
export const NOTICES_KEEP_MS = 90 * 86_400_000
/** The Service Dashboard: how far it looks back, what it lists, and what counts as one incident with a pause in it. */
export const DASHBOARD_DAYS = 90
export const DASHBOARD_INCIDENTS_MAX = 50
export const DASHBOARD_POSTS_MAX = 20
export const DASHBOARD_MERGE_MS = 60_000
/** How old what control shows of it may be; how often a gateway fetches it; when it says that control is silent. */
export const DASHBOARD_FRESH_MS = 1_000
export const DASHBOARD_FETCH_EVERY_MS = 3_000
export const DASHBOARD_SILENT_MS = 10_000
/** A gateway writes its copy down when it says something new, and this often anyway, for its age. */
export const DASHBOARD_KEEP_EVERY_MS = 60_000
/** A gateway tells what apps asked of it this often; so many minutes of services it keeps, and tells at a time. */
export const USAGE_REPORT_EVERY_MS = 10_000
export const USAGE_MINUTES_MAX = 20_000
export const USAGE_REPORT_MINUTES_MAX = 1_000
/** The name of a device, a GUID in the clients that we know. */
export const DEVICE_NAME_LENGTH_MAX = 100
/** A gateway's clock may be this far ahead of control's; what it says of a later time is not kept. */
export const USAGE_AHEAD_MS_MAX = 600_000
/** How often the executor looks at what is measured, writes that down, and makes what is old coarser. */
export const MEASURE_EVERY_MS = 5_000
export const MEASURE_WRITE_EVERY_MS = 15_000
export const THIN_EVERY_MS = 60_000
/** Periods that are thinned in one round; one that was away for long has many, and other work waits. */
export const THIN_PERIODS_AT_ONCE = 500
/** How long evidence of a moment must last before it counts: longer than a busy moment, or than a server's opening. */
export const VERDICT_OPEN_MS = 2_000
/** How long good evidence must last before a verdict of Unhealthy closes. */
export const VERDICT_CLOSE_MS = 3_000

/** A management call that needs a machine in a region fails within this (the promise to people is 2 s). */
export const REGION_CALL_MS_MAX = 1_800
/** A host that answers carries a change out within this, or the person is told that it goes on by itself. */
export const CHANGE_FOLLOW_MS_MAX = 10_000
/** The longest that a route change waits for one gateway before that gateway is named as late. */
export const GATEWAY_CALL_MS_MAX = 1_000

/** An operation's holder renews within this; afterwards another control process may take the operation over. */
export const OPERATION_LEASE_MS = 5_000
/** How often control looks for operations that nobody carries on; new ones are started at once. */
export const OPERATION_LOOK_EVERY_MS = 1_000
/** A step that has not reached its postcondition by now stops the operation. */
export const STEP_MS_MAX = 30_000
/** How long a step waits for a machine that is lost, as others see it too: one that starts again is back by then. */
export const LOST_MACHINE_MS_MAX = 10_000

/** How often a host looks after each of its servers; orders and fences wake it at once. */
export const SERVER_TICK_MS = 500
/** Setting up schemas: how long for a lock, how long for a statement, before it is tried again later. */
export const SETUP_LOCK_MS_MAX = 2_000
export const SETUP_MS_MAX = 10_000
/** How long facts wait for a server's position before they are sent with the last one. */
export const POSITION_MS_MAX = 300
/** A server's log is set aside at its start when it is longer, and never read further back than the tail. */
export const SERVER_LOG_BYTES_MAX = 16 * 1_048_576
export const SERVER_LOG_TAIL_BYTES = 16_384
/** A standby that has not heard from its primary for this long looks into its log for the reason. */
export const STANDBY_SILENT_MS = 5_000
/** A running PostgreSQL takes new settings within milliseconds; one that does not is in trouble. */
export const SYNCHRONOUS_SET_MS_MAX = 5_000
/** PostgreSQL: how long a start, a fast stop and crash recovery of a small server may take before we say so. */
export const POSTGRES_START_MS_MAX = 60_000
export const POSTGRES_STOP_MS_MAX = 10_000
/** WAL that a slot may hold back before its standby is given up and rebuilt: the disk of the primary comes first. */
export const SLOT_WAL_MB_MAX = 2_048
/** WAL between two checkpoints; and what each kind of WAL may take on however small a disk. */
export const WAL_MB_MAX = 512
export const WAL_MB_MIN = 64
/** A server with less room than this can make no new segments of WAL; with less than that, people are warned. */
export const DISK_FULL_BYTES = 24 * 1_048_576
export const DISK_LOW_BYTES = 10 * 1_073_741_824
export const DISK_LOW_SHARE = 0.1

/** Pools of the data plane (design part 4). */
export const POOL_CONNECTIONS_MAX = 4
/** Of them for the SQL of a service's scripts. */
export const SQL_CONNECTIONS_MAX = 2
/** What PostgreSQL may answer to one statement of an app or a script. */
export const ANSWER_BYTES_MAX = 64 * 1_048_576
/** What scripts fetch: bytes of one answer, how long a connection may take, redirects, and how many at once. */
export const FETCH_BYTES_MAX = 8 * 1_048_576
export const FETCH_CONNECT_MS_MAX = 5_000
export const FETCH_REDIRECTS_MAX = 20
export const FETCHES_PER_SERVICE_MAX = 20
/** All modules of a service together: what each of its sandboxes is given. */
export const MODULES_BYTES_MAX = 8 * 1_048_576
/** All that services of a runtime fetch at once, and the longest of it. */
export const FETCHES_MAX = 64
export const FETCH_MS_MAX = 60_000
/** Calls to the providers through which apps' users sign in: their time, bytes of a reply, and how many at once. */
export const AUTH_CALL_MS_MAX = 10_000
export const AUTH_CONNECT_MS_MAX = 5_000
export const AUTH_REPLY_BYTES_MAX = 262_144
export const AUTH_CALLS_PER_SERVICE_MAX = 8
export const AUTH_CALLS_MAX = 128
/** A provider that was away is asked again no sooner; what it said of itself is asked for anew that late. */
export const AUTH_ASK_AGAIN_MS = 3_000
export const AUTH_METADATA_MS = 86_400_000
/** Characters of the question with which a sign-in begins, of one URL in it, and of what a token keeps of a provider's. */
export const AUTH_QUERY_MAX = 4_000
export const AUTH_URL_MAX = 1_000
export const AUTH_ACCESS_TOKEN_MAX = 4_096
/** From leaving for a provider until coming back. */
export const AUTH_TRY_MS = 15 * 60_000
/** A code that an app exchanges for the token. */
export const AUTH_CODE_MS = 60_000
export const USER_TOKEN_SECONDS = 30 * 86_400
export const AUTH_PROVIDERS_PER_SERVICE_MAX = 20
/** Providers of a service that are kept ready, over all services of a runtime. */
export const AUTH_PROVIDERS_MAX = 500
/** Statements that a script may run in one go. */
export const SCRIPT_SQL_STATEMENTS_MAX = 100
export const POOL_IDLE_MS = 10_000
export const RUNTIME_CONNECTIONS_MAX = 100
/** The time of an app's request, as in the original. */
export const APP_REQUEST_MS_MAX = 30_000
/** A gateway waits for an answer a little longer than a runtime may take to give one. */
export const GATEWAY_ANSWER_MS_MAX = 35_000
/** Requests that may wait in one gateway for a connection to one runtime: in its fast lane, and as many beside it. */
export const GATEWAY_QUEUE_MAX = 1_000
/**
 * Connections of one gateway to one runtime; each carries one request at a time. So many for its fast lane, and as many
 * for what goes through Node's server.
 */
export const GATEWAY_POOL_CONNECTIONS_MAX = 64
/** A kept connection that was idle so long is not used again: well before a runtime closes it, maybe just then. */
export const GATEWAY_KEPT_MS_MAX = 30_000
/** What the gateway's fast lane takes: larger heads and bodies are few, and cost little beside what they carry. */
export const LANE_HEAD_BYTES_MAX = 8_192
export const LANE_BODY_BYTES_MAX = 65_536
/** Node's parser has a limit of its own, of some 1,000 lines: far from it both take the same. */
export const LANE_LINES_MAX = 200
/** How long it waits for the rest of a request, or for the first one: then Node's server does, with its own limits. */
export const LANE_WAIT_MS = 1_000
/** How often it looks for what takes too long: once for all of them, since a timer for each would cost too much. */
export const LANE_SWEEP_EVERY_MS = 1_000
/** The head of a runtime's answer, as long as Node lets one be. */
export const ANSWER_HEAD_BYTES_MAX = 16_384
/** Requests under way to where a service was served before it moved on purpose. */
export const MOVED_DRAIN_MS_MAX = 2_000
/** How long a host waits for what it was asked to wait for before it answers how it stands; it looks so often. */
export const HOST_WAIT_MS_MAX = 100
export const HOST_LOOK_EVERY_MS = 5
/** In a planned move: how long and how many requests a gateway holds. To wait is better for an app than a 503. */
export const HOLD_MS_MAX = 10_000
export const HOLD_REQUESTS_MAX = 1_000
/** From the hold until the old primary must be stopped; later all is put back, so that no request waits in vain. */
export const SWITCH_STOP_MS_MAX = 1_200
/** A checkpoint of a busy server, before it is stopped in a planned move: it writes all that is in memory. */
export const CHECKPOINT_MS_MAX = 60_000
/** A standby that is further behind is waited for before requests are held. */
export const SWITCH_LAG_BYTES_MAX = 1_048_576
/** Page sizes of the table protocol. */
export const PAGE_ROWS_DEFAULT = 50
export const PAGE_ROWS_MAX = 1_000
/** How deep and how large a filter may be: far more than an app writes, far less than a stack or a plan bears. */
export const QUERY_DEPTH_MAX = 100
export const QUERY_NODES_MAX = 10_000

/** Body of a management call. The largest is an upload of a script (a later part); a table definition is tiny. */
export const MANAGEMENT_BODY_BYTES_MAX = 2_097_152
/** For how long the rest of a body is read that was refused already, so that its sender gets the answer. */
export const UNREAD_BODY_MS_MAX = 1_000
/** The text of one script: as large as an app's request may be. */
export const SCRIPT_BYTES_MAX = 1_048_576
/** npm modules of a service: bytes and files as they lie on a host, and bytes as they are stored and sent. */
export const NPM_MODULES_BYTES_MAX = 100 * 1_048_576
export const NPM_MODULES_FILES_MAX = 20_000
export const NPM_MODULES_PACKED_BYTES_MAX = 40 * 1_048_576
/** A part of them: what is a row in control's database, and one answer to a host. */
export const NPM_MODULES_PART_BYTES = 1_048_576
/** A package.json; its lock file may be as long as a script. */
export const PACKAGE_BYTES_MAX = 65_536
/** Installing npm modules: its time, how many at once, and what the registry may answer at once. */
export const NPM_INSTALL_MS_MAX = 120_000
export const NPM_INSTALLS_MAX = 2
export const NPM_ANSWER_BYTES_MAX = 32 * 1_048_576
/** One message to or from it: such an answer, or a file of a module, as base64. */
export const NPM_MESSAGE_BYTES_MAX = 48 * 1_048_576
export const NPM_ANSWER_MS_MAX = 30_000
/** Questions to registries of one installation, and how many of them at once. */
export const NPM_ASKS_MAX = 5_000
export const NPM_ASKS_AT_ONCE_MAX = 16
/** What npm may write while it installs: its modules, and its cache of what they came in. */
export const NPM_WORK_BYTES_MAX = 400 * 1_048_576
/** Its JavaScript objects, and its open files. */
export const NPM_HEAP_MB = 256
export const NPM_OPEN_FILES_MAX = 512
/** Fetching one part of them from control. */
export const NPM_PART_FETCH_MS_MAX = 10_000
/** npm modules that no service uses any more are kept this long. */
export const NPM_MODULES_KEEP_MS = 86_400_000
/** Routes of a custom API that have permissions of their own. */
export const API_ROUTES_MAX = 100
/** All app settings of a service together, as JSON. */
export const APP_SETTINGS_BYTES_MAX = 65_536
/** Versions of a script that one answer shows; all are kept. */
export const SCRIPT_VERSIONS_SHOWN = 200
/** Rows that a list of the management API answers at most. */
export const LIST_ROWS_MAX = 1_000
/** The longest that a client may hang on for the next change of an operation. */
export const WATCH_MS_MAX = 20_000

/** A role that starts: how long `up` waits for it before it says what is missing. */
export const ROLE_START_MS_MAX = 60_000
/** An orderly stop of a role, before it is ended by force. */
export const ROLE_STOP_MS_MAX = 15_000
/** Supervision: first and longest wait before a crashed process is started again. */
export const RESTART_MS_MIN = 200
export const RESTART_MS_MAX = 5_000

/** How often an operation looks at another one that it began. */
export const CHILD_LOOK_MS = 100
/** How long it waits for what keeps it from beginning one, or for a machine that is needed: then a person is told. */
export const PART_WAIT_MS_MAX = 60_000
/**
 * On the way home a planned move that would have held requests for too long is tried again, so often and so late, and
 * given twice as long each time: with the rest of the move still within what a gateway holds a request for.
 */
export const MOVE_TRIES_MAX = 3
export const MOVE_AGAIN_MS = 5_000
/** A call of the CLI to control; control itself answers or gives up well within this. */
export const CONTROL_CALL_MS_MAX = 5_000
/** The same for a call that is answered when a host, and then a runtime, have carried a change out. */
export const CONTROL_CHANGE_MS_MAX = 2 * CHANGE_FOLLOW_MS_MAX + CONTROL_CALL_MS_MAX
/** Emptying a table goes in rounds; a command waits for this many of them, and can be given again. */
export const TRUNCATE_CALL_MS_MAX = 600_000
/** Rows that are inserted with one call, on a busy server. */
export const INSERT_CALL_MS_MAX = 120_000
/** An index on a large table: how long a command waits for it, and how often it looks. It goes on by itself. */
export const INDEX_BUILD_MS_MAX = 3_600_000
export const INDEX_LOOK_EVERY_MS = 500
/** How long one long poll of the CLI hangs: below WATCH_MS_MAX, so that a dead connection is noticed. */
export const WATCH_POLL_MS = 10_000
/** How long a watching CLI waits for a control that died to come back. */
export const WATCH_RETRY_MS_MAX = 30_000
/** The longest that a CLI watches one operation; the operation itself goes on. */
export const WATCH_TOTAL_MS_MAX = 3_600_000
/** An answer to a question that is read from a pipe: a script that forgot it must not hang for ever. */
export const PIPED_ANSWER_MS_MAX = 60_000

/** `up`: how long roles that an earlier `up` left behind may take to end by themselves. */
export const ORPHAN_STOP_MS_MAX = 10_000
/** `up`: a role that ended this often before it was ever ready will not become so. */
export const FIRST_START_TRIES_MAX = 3
/** A role that did its duty this long is well: its next crash is its first again. */
export const ROLE_WELL_MS = 10_000
/** `up`: how long all regions may take to be ready, a first start with initdb and base backups included. */
export const CLOUD_READY_MS_MAX = 120_000
/** `up`: how long services may then take to be well; one that is ill for long must not keep the cloud from its user. */
export const SERVICES_READY_MS_MAX = 15_000
/** A request over the socket of `up`: it may have to end a region's PostgreSQL. */
export const UP_CALL_MS_MAX = 30_000
/** A request line over the socket of `up`. */
export const UP_LINE_BYTES_MAX = 65_536
/** A role's log is set aside when it has grown to this before a start. */
export const ROLE_LOG_BYTES_MAX = 20_971_520
/** Rounds of looking for processes of a region that is to die; each ends all that it finds. */
export const KILL_ROUNDS_MAX = 20

/** `dev traffic`: one request; an app would give up about then. */
export const TRAFFIC_REQUEST_MS_MAX = 2_000
/** `dev traffic`: requests under way at once; beyond, ticks are skipped. */
export const TRAFFIC_CONCURRENCY_MAX = 64
/** `dev traffic`: rows that a run inserts at most; their ids are kept in memory. */
export const TRAFFIC_ROWS_MAX = 1_000_000
/** `dev traffic`: pages read back before what is missing is asked for by id. */
export const TRAFFIC_PAGES_MAX = 1_000

/** Requests that wait for one of a service's connections; beyond, they are refused at once. */
export const POOL_WAITERS_MAX = 500
/** Prepared statements of one connection: each holds a plan in PostgreSQL's memory; beyond, the connection is replaced. */
export const STATEMENTS_PER_CONNECTION_MAX = 200
/** Opening a connection to PostgreSQL, which may lie behind another machine's door. */
export const DATABASE_CONNECT_MS_MAX = 5_000
/** Tries of one SQL statement of an app, the first included. */
export const STATEMENT_ATTEMPTS_MAX = 4
/** PostgreSQL ends an app's statement when this share of the request's time is over, so that its end is known in time. */
export const STATEMENT_TIME_SHARE = 0.9
/** Dynamic schema: waiting for a table's lock longer would hold up everyone who queues behind us. */
export const COLUMN_LOCK_MS_MAX = 5_000
/** Rows that one round of emptying a table deletes: well below a second, so that others' writes go on between. */
export const TRUNCATE_ROWS_MAX = 10_000
/** Rounds of emptying one table in one call; what is left then is left for the next call. */
export const TRUNCATE_ROUNDS_MAX = 1_000
/** Rows that one statement stamps anew, and how long one order goes on with it. */
export const RESTAMP_BATCH_ROWS = 1_000
export const RESTAMP_CALL_MS = 500
/** Counting the rows of a service's tables. */
export const CONTENTS_READ_MS_MAX = 60_000
/** A database that a service was changed away from is kept for this long, for the way back. */
export const FORMER_DATABASE_MS = 24 * 3_600_000
/** A promotion without a service that is predicted to lose more is refused until it is accepted; as a service's default. */
export const PROMOTION_LOSS_MS_MAX = 60_000
/** A line of a service's export: a row with all that is in it. */
export const EXPORT_LINE_BYTES_MAX = 268_435_456
/** Rows that an import writes with one statement. */
export const IMPORT_BATCH_ROWS = 500
export const IMPORT_BATCH_BYTES = 4_194_304
/** Backups are proven by a restore so long after the first of them, and then so often; how often that is looked at. */
export const BACKUP_CHECK_FIRST_MS = 24 * 3_600_000
export const BACKUP_CHECK_EVERY_MS = 7 * 24 * 3_600_000
export const BACKUP_CHECK_LOOK_MS = 60_000
/** Backups of a server that was deleted, or of data that was dropped: for how long they stay; how often we look. */
export const ENDED_BACKUPS_KEEP_MS = 30 * 24 * 3_600_000
export const ENDED_BACKUPS_LOOK_MS = 600_000
/** A vault into which nobody has written for so long may be cleared. */
export const ENDED_BACKUPS_QUIET_MS = 7 * 24 * 3_600_000
/** How far behind others a base backup stands for the processors, as in nice(1). */
export const BACKUP_NICE = 15
/** How often a base backup tells how far it is. */
export const BACKUP_TOLD_EVERY_MS = 200
/** Rows whose digests one answer holds. */
export const ROW_DIGESTS_MAX = 5_000
/** A row that was written so shortly before a backup's moment may have been committed after it. */
export const COMPARISON_MARGIN_MS = 10_000
/**
 * After a promotion new integer ids start so far above the newest one that arrived: so many may a lost primary have
 * given that never did. More than a server inserts in the seconds that a standby may be behind, and small enough that
 * an app that keeps ids in 32 bits lives through 20,000 promotions.
 */
export const IDENTITY_GAP = 100_000
/** What a form may have: so many parts, and names of so many bytes. Its size is bounded as that of any body. */
export const FORM_PARTS_MAX = 1_000
export const FORM_HEADER_BYTES_MAX = 1_000
/** A read that takes PostgreSQL so long is looked at: an index may be missing. */
export const SLOW_READ_MS = 50
/** How often a service's slow reads are explained at most, and how long an explanation may take. */
export const INDEX_LOOKS_EVERY_MS = 2_000
export const INDEX_LOOK_MS_MAX = 2_000
/** Reads of one kind are explained again after this time: the table has grown, or has its index. */
export const INDEX_LOOK_AGAIN_MS = 300_000
/** Fewer rows than these are read as fast without an index; nor does one help to find more than this share of all. */
export const INDEX_ADVICE_ROWS_MIN = 1_000
export const INDEX_ADVICE_SHARE_MAX = 0.2
/** So many kinds of slow reads of a service are remembered, each for so long after it was last seen. */
export const INDEX_ADVICE_MAX = 50
export const INDEX_ADVICE_KEEP_MS = 24 * 3_600_000
/** What is found wrong is told up to so many times. */
export const PROBLEMS_TOLD_MAX = 20
/** How often copies that go on changing are compared, before what differs every time is called different. */
export const COMPARISONS_MAX = 5
/** Round trips of which the shortest is told. */
export const ROUND_TRIPS = 5
/** How long a host lets an order for an index wait before it says that it is still being built. */
export const INDEX_ANSWER_MS_MAX = 1_200
/** What a refused client is asked to wait. */
export const RETRY_AFTER_SECONDS = 5
/** A runtime's look at a server for its health: how often at most while it is reached, and how long. */
export const DATABASE_CHECK_EVERY_MS = 1_000
export const DATABASE_CHECK_MS_MAX = 1_000
/** Idle connections of gateways live longer than the gateways keep them, so that none is closed under a request. */
export const RUNTIME_KEEP_ALIVE_MS = 75_000
/** A runtime that stops tells each client with its next answer; idle connections are closed only after this. */
export const RUNTIME_LINGER_MS = 3_000
/** Requests under way at a runtime's stop. */
export const RUNTIME_DRAIN_MS_MAX = 5_000
/** The token of a probe. */
export const PROBE_TOKEN_LENGTH_MAX = 200
/** A probe whose row another probe overwrote meanwhile is made again. */
export const PROBE_TRIES_MAX = 5
/** A refused body up to this size is read and thrown away, so that its sender reads the answer; beyond, we hang up. */
export const APP_BODY_DISCARD_BYTES_MAX = 16_777_216

/** A sandbox of scripts: from its start to its first word, on a machine that is busy. */
export const SANDBOX_START_MS_MAX = 10_000
/** A sandbox with requests is pinged this often, an idle one less: a timer of a script may block it, too. */
export const SANDBOX_PING_EVERY_MS = 50
export const SANDBOX_IDLE_PING_EVERY_MS = 1_000
/** A sandbox that has not answered a ping for this long gets no new requests; a second one takes them. */
export const SANDBOX_BLOCKED_MS = 250
/** A blocked sandbox is slowed down after this long; sooner could hit one that a busy machine keeps waiting. */
export const SANDBOX_NICE_MS = 1_000
/** How long a request waits for one of a service's sandboxes to answer again before it is refused. */
export const SANDBOX_WAIT_MS_MAX = 1_000
/** A blocked sandbox is ended after this long; the original gave a script that blocks about as much. */
export const SANDBOX_END_MS = 5_000
/** An idle sandbox of a shared service is stopped after this long; starting one takes a tenth of a second. */
export const SANDBOX_IDLE_MS = 60_000
/** Sandboxes of one runtime: each takes about 30 MB. The one that was idle longest makes room. */
export const SANDBOXES_MAX = 100
/** One serves, one more may be blocked: a service that blocks both is refused until one is ended. */
export const SANDBOXES_PER_SERVICE_MAX = 2
/** Sandboxes that one service may use up in ten seconds: each start costs a tenth of a second of a processor. */
export const SANDBOX_STARTS_MAX = 20
export const SANDBOX_STARTS_WITHIN_MS = 10_000
/** Requests under way in one sandbox; beyond, they are refused at once. */
export const SANDBOX_CALLS_MAX = 100
/** Table operations that one sandbox may have under way; a script that asks for more is told so. */
export const SANDBOX_ASKS_MAX = 200
/** JavaScript objects of one sandbox. */
export const SANDBOX_HEAP_MB = 128
/**
 * Where new ones begin: each half of it. V8 by itself lets it grow until it, with the rest, is past what a heap of
 * that size may have, and then collects without end: twenty times a second, ten times the work of the scripts.
 */
export const SANDBOX_YOUNG_MB = 8
/** All writable memory of one sandbox. The kernel counts the 512 MiB that V8 sets aside for code and hardly uses. */
export const SANDBOX_DATA_BYTES_MAX = (512 + 320) * 1_048_576
/** Threads (Node has about ten) and open files of one sandbox. */
export const SANDBOX_THREADS_MAX = 64
export const SANDBOX_FILES_MAX = 64
/** One message to or from a sandbox: a request's body, or the rows of a read. */
export const SANDBOX_MESSAGE_BYTES_MAX = 16 * 1_048_576
/** What a runtime takes from one sandbox in a tenth of a second before it lets it wait: others want their turn. */
export const SANDBOX_TAKE_MS = 100
export const SANDBOX_TAKE_BYTES_MAX = 8 * 1_048_576
export const SANDBOX_TAKE_MESSAGES_MAX = 1_000
/** What a sandbox may leave unread of what it was answered. */
export const SANDBOX_UNREAD_BYTES_MAX = 64 * 1_048_576
/** What a sandbox prints is kept this far, to tell how it ended. */
export const SANDBOX_TAIL_BYTES = 4_096
/** Log lines of one sandbox in two seconds; the rest is counted and dropped. Who reads the log has to keep up. */
export const SCRIPT_LOG_EVERY_MS = 2_000
export const SCRIPT_LOG_LINES_MAX = 200
/** Scheduled jobs: how often it is looked whether one is due, and at their rows where nothing is. */
export const JOB_TICK_MS = 250
export const JOB_LOOK_EVERY_MS = 30_000
export const JOB_RETRY_MS = 2_000
/** What was due longer ago than this was missed. */
export const JOB_LATE_MS = 60_000
/** The longest run; how often one says that it goes on; without that for so long it is lost. */
export const JOB_MS_MAX = 15 * 60_000
export const JOB_TOUCH_EVERY_MS = 10_000
export const JOB_SILENT_MS = 40_000
/** A statement about a run. */
export const JOB_STATEMENT_MS = 10_000
/** A job whose callbacks have all come is over this much later. */
export const JOB_IDLE_MS = 250
/** What is kept of what a run said, and runs of each job. */
export const JOB_OUTPUT_CHARACTERS_MAX = 32_768
export const JOB_RUNS_KEPT_MAX = 200

/** Push: a registration's tags, and what it may hold; how many a service may have, and how long one waits to be used. */
export const PUSH_TAGS_MAX = 60
export const PUSH_CHANNEL_CHARACTERS_MAX = 2_048
export const PUSH_TEMPLATE_CHARACTERS_MAX = 8_192
export const PUSH_TEMPLATES_MAX = 20
export const PUSH_DEVICES_MAX = 2_000_000
export const PUSH_UNUSED_ID_MS = 24 * 3_600_000
export const PUSH_LISTED_MAX = 1_000
/** A tag expression: its length and tags bound what PostgreSQL is asked. */
export const PUSH_EXPRESSION_CHARACTERS_MAX = 2_048
export const PUSH_EXPRESSION_TAGS_MAX = 20
/** A message: no platform takes as much. */
export const PUSH_MESSAGE_BYTES_MAX = 16_384
/** Messages of a service that wait to be sent; and how long one is tried where its sender does not say. */
export const PUSH_WAITING_MAX = 1_000
export const PUSH_TTL_MS = 24 * 3_600_000
/** Of each thousand devices of a message one is sent to at a time, up to so many: what a crash may repeat. */
export const PUSH_AT_ONCE_PER = 1_000
export const PUSH_AT_ONCE_MAX = 64
/** Devices that are read at once; and how long whoever sends may say nothing before another takes over. */
export const PUSH_PAGE_ROWS = 200
export const PUSH_CLAIM_MS = 60_000
/** How often it is looked whether something is to be sent; what is asked for here is begun at once. */
export const PUSH_TICK_MS = 250
export const PUSH_LOOK_EVERY_MS = 15_000
export const PUSH_RETRY_LOOK_MS = 2_000
/** Messages of one runtime, and of one service in it, that are sent at once; the others wait their turn. */
export const PUSH_SENDS_AT_ONCE = 32
export const PUSH_SENDS_PER_SERVICE = 4
/** Devices by their names, of one service, that are sent to at once. */
export const PUSH_DIRECT_AT_ONCE = 16
/** A push service of browsers that was not reached is not asked again for so long; so many are remembered. */
export const PUSH_AWAY_MS = 30_000
export const PUSH_AWAY_HOSTS_MAX = 1_000
/** A runtime that stops waits so long for what it is just sending. */
export const PUSH_CLOSE_MS_MAX = 3_000
/** One try of one device: dialling and the answer. */
export const PUSH_DIAL_MS_MAX = 5_000
export const PUSH_ANSWER_MS_MAX = 10_000
export const PUSH_ANSWER_BYTES_MAX = 65_536
/** Tries: doubling from the first, up to the longest, with jitter; so many of one device. */
export const PUSH_BACKOFF_MS_MIN = 1_000
export const PUSH_BACKOFF_MS_MAX = 10 * 60_000
export const PUSH_TRIES_MAX = 12
/** A call that names its devices waits for the answer: it is tried again for so long only. */
export const PUSH_DIRECT_TRIES = 3
export const PUSH_DIRECT_WAIT_MS_MAX = 3_000
/** A key of APNs signs a new token this often: between 20 and 60 minutes is what Apple asks for. */
export const PUSH_APNS_TOKEN_MS = 40 * 60_000
/** Connections of credentials that nobody used for so long are closed. */
export const PUSH_LINE_IDLE_MS = 5 * 60_000
/** What is kept of what was sent, and of devices that were removed. */
export const PUSH_SENDS_KEPT_MAX = 1_000
export const PUSH_SENDS_SHOWN_MAX = 200
export const PUSH_FEEDBACK_MS = 30 * 24 * 3_600_000
export const PUSH_FEEDBACK_MAX = 10_000
/** All credentials of a service together, as JSON. */
export const PUSH_SETTINGS_BYTES_MAX = 65_536
/** A runtime tells its host what scripts said: how often, and how much of one service at once. */
export const SERVICE_LOG_TELL_EVERY_MS = 250
export const SERVICE_LOG_TELL_BYTES_MAX = 262_144
/** A host keeps the log of a service in files of that size, so many of them, for so long. */
export const SERVICE_LOG_FILE_BYTES_MAX = 2_097_152
export const SERVICE_LOG_FILES_MAX = 5
export const SERVICE_LOG_KEEP_MS = 30 * 86_400_000
export const SERVICE_LOG_SWEEP_EVERY_MS = 3_600_000
/** Lines of one answer, about: no more than the lines of that many bytes. */
export const SERVICE_LOG_ANSWER_BYTES_MAX = 1_048_576
export const SERVICE_LOG_TOP_MAX = 1_000
/** Whoever follows a log looks so often. */
export const SERVICE_LOG_FOLLOW_EVERY_MS = 500
/** A script's log line, as in the original. */
export const SCRIPT_LOG_CHARACTERS_MAX = 10_000
/** Timers of one call at once, and rows that it may read at once. */
export const SCRIPT_TIMERS_MAX = 1_000
export const SCRIPT_ROWS_MAX = 10_000
/** The extension `startup`: how long requests wait for it, and when what it left running ends. */
export const STARTUP_WAIT_MS_MAX = 5_000
export const STARTUP_MS_MAX = 30_000
/** A script that has not answered is given up this long before its request's time ends, so that the log can say why. */
export const SCRIPT_TIMEOUT_MARGIN_MS = 50

/** Fetching the text of a script from control: one call, how many at once, and how long an assignment waits for all. */
export const SCRIPT_FETCH_MS_MAX = 2_000
export const SCRIPT_FETCHES_MAX = 4
export const SCRIPT_WAIT_MS_MAX = 2_000
/** How often a text that could not be fetched is asked for again. */
export const SCRIPT_RETRY_MS = 1_000
/** A text that no assignment names is kept this long: a runtime may still be about to read it. */
export const SCRIPT_KEEP_MS = 3_600_000
/** The control database's archives: how often control looks for a change, and the shortest time between two archives. */
export const ARCHIVE_LOOK_EVERY_MS = 1_000
/** Without any change an archive is written all the same, so that its age says that the vault still takes them. */
export const ARCHIVE_EVERY_MS_MAX = 300_000
/** `status` warns of a newest archive that is older than this. */
export const ARCHIVE_OLD_MS = 900_000
/** Archives kept as they are; older ones are thinned to one an hour for a day, then one a day for a month. */
export const ARCHIVES_KEPT = 50
export const ARCHIVES_HOURLY_KEPT = 24
export const ARCHIVES_DAILY_KEPT = 30
/** Pieces beside the archives: how often control looks for those that nothing can name; how far clocks may differ. */
export const ARCHIVED_PIECES_SWEEP_EVERY_MS = 3_600_000
export const ARCHIVED_PIECE_MARGIN_MS = 3_600_000
/** Rows that are read from, or written to, the control database at once for an archive. */
export const ARCHIVE_BATCH_ROWS = 500
/** Reading the whole control database for an archive; a transaction that lasts longer hinders its vacuum. */
export const ARCHIVE_READ_MS_MAX = 60_000
/** After a restore: how long machines may take to be heard, counted from the first one. Four heartbeats. */
export const RESTORE_SETTLE_MS = 4_000
/** Services that metrics tell apart: each costs a time series for every number about it. The rest is one: `other`. */
export const METRIC_SERVICES_MAX = 200
/** How often a runtime tells its host its numbers; a scrape is seldom more frequent than that. */
export const RUNTIME_NUMBERS_EVERY_MS = 5_000
/** Requests that failed and have a line in a gateway's log, in a second; in an outage there are thousands. */
export const FAILURE_LINES_MAX = 20
/** Secrets that control keeps opened in memory: five for each of 2,000 services. */
export const OPENED_SECRETS_MAX = 10_000
/** Operations that an assignment names: more than are under way at once by any sensible person. */
export const OPERATIONS_NAMED_MAX = 8
/** Messages of a lost primary that are taken from it at once: a row of 1 MB is there twice in an update, as hex. */
export const DIVERGENCE_FETCH_ROWS = 32
/** A stranded transaction beyond this is told in parts: it may have changed every row of a table. */
export const DIVERGENCE_PART_BYTES = 4 * 1_048_576
/** One line of a bundle: below what a string of JavaScript can hold; a part's JSON is far smaller. */
export const DIVERGENCE_LINE_BYTES_MAX = 500 * 1_048_576
/** How long applying stranded writes waits for a row, or for another who applies: apps hold rows for milliseconds. */
export const DIVERGENCE_LOCK_MS_MAX = 10_000
/** A bundle travels between hosts in pieces: each is one call, well below what a call's body may be. */
export const BUNDLE_PIECE_BYTES = 524_288
/** Comparing a bundle of hundreds of thousands of changes with today's rows takes its time. */
export const DIVERGENCE_PREVIEW_MS_MAX = 300_000
/** Changes of a bundle that one answer shows. */
export const BUNDLE_CHANGES_SHOWN_MAX = 1_000
/** How a host ended work that took long is told to whoever asks; of more than these the oldest are forgotten. */
export const JOBS_REMEMBERED_MAX = 100
/** Conflicts that are told one by one, for a person to read; all are counted. */
export const DIVERGENCE_LISTED_MAX = 100

/** The header line of an object in a vault: a dozen short fields. */
export const SEALED_HEADER_BYTES_MAX = 4_096
/** An object store: a connection, one request with a whole part in it, and tries of one call, the first included. */
export const S3_CONNECT_MS_MAX = 5_000
export const S3_REQUEST_MS_MAX = 60_000
export const S3_TRIES_MAX = 3
/** Backups: how often a base backup is taken, how long moments are kept, when one that failed is tried again. */
export const BACKUP_EVERY_MS = 86_400_000
export const BACKUP_KEEP_DAYS = 7
export const BACKUP_RETRY_MS = 30_000
/** A restorable moment that is older than this is worth a warning: WAL is kept within seconds. */
export const BACKUP_OLD_MS = 120_000
/** Reading what a vault holds of a server: a listing, and a few manifests. */
export const VAULT_READ_MS_MAX = 60_000
/** A part of a base backup: in memory twice while it is taken, once in each request to a store. */
export const BACKUP_PART_BYTES = 16 * 1_048_576
/** How fast a primary gives a base backup away: apps share its disk and its processors. */
export const BACKUP_KB_PER_SECOND_MAX = 32_768
/** A base backup waits for its WAL to be in the vault: looked at this often, given up when for so long none came. */
export const BACKUP_WAL_LOOK_EVERY_MS = 500
export const BACKUP_WAL_MS_MAX = 300_000
/** Objects that are read from a vault at once; each may hold a part in memory. */
export const BACKUP_READS_MAX = 4
/** WAL reaches the vault this long after it was written, at most; sooner when a segment is full. */
export const WAL_PIECE_MS_MAX = 5_000
/** WAL that waits in memory while a full segment is stored; beyond, the primary's connection is not read. */
export const WAL_QUEUE_BYTES_MAX = 1_048_576
/** The primary hears this often what is kept, and is asked for its own position: well below its limit of 10 s. */
export const WAL_REPORT_EVERY_MS = 2_000
/** A primary that stops waits until its WAL is kept; we let go of it after this, and fetch the rest another time. */
export const WAL_ANSWER_MS_MAX = 500
/** A receiver that is stopped stores what it has, if that takes no longer. */
export const WAL_STOP_MS_MAX = 2_000
/** How often the vault is told up to when it has everything, for servers that write nothing. */
export const WAL_SEEN_EVERY_MS = 5_000
/** A vault that did not take a piece is tried again after this; the primary holds the WAL meanwhile. */
export const WAL_STORE_RETRY_MS_MIN = 250
export const WAL_STORE_RETRY_MS_MAX = 5_000
/** A primary that is away, or refuses, is asked again after this. */
export const WAL_CONNECT_RETRY_MS_MIN = 250
export const WAL_CONNECT_RETRY_MS_MAX = 5_000
/** Tries of one restore: each goes around one more object that is damaged. */
export const RESTORE_TRIES_MAX = 10
/** Parts that are fetched and unpacked while one is written; each is in memory. */
export const RESTORE_PARTS_AHEAD = 3
/** What is written at once of a part that is restored. */
export const RESTORE_CHUNK_BYTES = 1_048_576
/** Rolling a restored server forward: days of WAL of a busy one; and how often we look whether it is done. */
export const RECOVERY_MS_MAX = 24 * 3_600_000
export const RECOVERY_LOOK_EVERY_MS = 50
/** Parts of a backup that is not whole after a day are nobody's: it was stopped, and could not take them away. */
export const BACKUP_UNFINISHED_MS = 86_400_000
/** Listings of a vault that seems to have a gap, until two of them agree. */
export const LISTINGS_MAX = 4
/** WAL that comes in little messages is read this often, and without a rest where more than this comes at once. */
export const WAL_REST_MS = 50
export const WAL_REST_BYTES_MAX = 32_768

/** Signing in: hashes of passwords at once (19 MiB and a core each), and what wrong ones cost. */
export const PASSWORD_HASHES_MAX = 4
export const SIGN_IN_FREE_TRIES = 5
export const SIGN_IN_WAIT_MS_MAX = 60_000
export const SIGN_IN_NAMES_MAX = 10_000
/** A session ends when it was not used for a working day, and after a week in any case. */
export const SESSION_IDLE_MS = 12 * 3_600_000
export const SESSION_MS = 7 * 24 * 3_600_000
export const SESSIONS_PER_ACCOUNT_MAX = 20
/** Signing in through an OpenID provider: how long a person may take there, and each call to it. */
export const OIDC_TRY_MS = 10 * 60_000
export const OIDC_CALL_SECONDS_MAX = 10
/** That a session or a token is in use is noted no more often than this. */
export const USE_NOTED_EVERY_MS = 60_000
/** A link by which somebody chooses a password; the first owner's is made again when it is over. */
export const INVITATION_MS = 7 * 24 * 3_600_000
export const TOKEN_DAYS = 90
export const TOKENS_MAX = 1_000
export const ACCOUNTS_LISTED_MAX = 1_000
/** Changes that are sealed into the audit's chain: how often, how many at once; how many are read of it at once. */
export const AUDIT_SEAL_EVERY_MS = 1_000
export const AUDIT_SEALED_AT_ONCE = 500
export const AUDIT_READ_AT_ONCE = 1_000
/** Streams of events: so many at once, each for so long, then its browser asks again, and shows that it still may. */
export const EVENT_STREAMS_MAX = 200
export const EVENT_STREAM_MS_MAX = 5 * 60_000
export const EVENTS_LOOK_EVERY_MS = 500
export const EVENTS_REST_MS = 100
export const EVENTS_QUIET_MS_MAX = 5_000

/** External servers: how often their hosts are asked which takes writes; how long a connection and an answer take. */
export const EXTERNAL_LOOK_EVERY_MS = 1_000
export const EXTERNAL_SEEK_EVERY_MS = 250
export const EXTERNAL_DIAL_MS_MAX = 2_000
export const EXTERNAL_ANSWER_MS_MAX = 2_000
/** In the middle of its failover a new connection waits so long for a host that takes writes. */
export const EXTERNAL_WAIT_MS_MAX = 2_000
/** A session that makes schemas there and falls silent with its machine is ended after this, and its locks with it. */
export const EXTERNAL_SILENT_S = 4
/** Looking into one before it is attached: its hosts, its rights, what is in it. */
export const EXTERNAL_CHECK_MS_MAX = 20_000

/** What a gateway is told: routes, and each domain's certificate with its key, some 8 KiB. */
export const GATEWAY_ASSIGNMENT_BYTES_MAX = 64 * 1_048_576
/** Domains and certificates of one service: every gateway holds all of them, with their keys. */
export const DOMAINS_PER_SERVICE_MAX = 100
export const CERTIFICATES_PER_SERVICE_MAX = 50
/** Of a certificate and those that issued it; two or three are usual. */
export const CERTIFICATES_IN_CHAIN_MAX = 10
/** A file with a certificate and its key, whether PEM or PKCS #12; a few thousand bytes are usual. */
export const CERTIFICATE_FILE_BYTES_MAX = 65_536
/** Opening a PKCS #12 file: whoever made it chose how often its password is hashed. */
export const PFX_MS_MAX = 5_000
export const PFX_MEMORY_MB_MAX = 128
/** A certificate that is in use and ends within this is warned of. */
export const CERTIFICATE_ENDS_SOON_MS = 21 * 86_400_000
export const WARNINGS_ABOUT_CERTIFICATES_MAX = 50
/** Handshakes of HTTPS that take longer are given up; so are connections on which nothing is said. */
export const TLS_HANDSHAKE_MS_MAX = 10_000
/** Requests at once on one connection of HTTP/2, and the bytes of the headers of one: as much as HTTP/1.1 has. */
export const HTTP2_STREAMS_MAX = 100
export const HTTP2_HEADER_BYTES_MAX = 16_384
/** An authority that issues certificates: a call to it, its answer, how often and how long it is asked. */
export const ACME_CALL_MS_MAX = 15_000
export const ACME_ANSWER_BYTES_MAX = 1_048_576
export const ACME_AGAIN_MS = 1_000
/** Of its words, as people are shown them. */
export const ACME_WORDS_MAX = 500
export const ACME_WAIT_MS_MAX = 5 * 60_000
/** How often we look which certificates are to be issued, and how many are begun at a look. */
export const ISSUE_LOOK_EVERY_MS = 5_000
export const ISSUES_AT_ONCE_MAX = 4
/** The next try after a failure: twice as late each time. */
export const ISSUE_AGAIN_MS_MIN = 5 * 60_000
export const ISSUE_AGAIN_MS_MAX = 86_400_000
/** How often the files of the gateway's own certificate are looked at. */
export const CERTIFICATE_FILES_LOOK_MS = 2_000

/** A push over git, and all of a service's repository. Larger things are no scripts. */
export const SOURCE_PUSH_BYTES_MAX = 200 * 1_048_576
export const SOURCE_REPOSITORY_BYTES_MAX = 1_024 * 1_048_576
/** Packs lie in the control database in pieces of this size. */
export const SOURCE_CHUNK_BYTES = 1_048_576
/** Files of one commit, and branches with tags of one repository. */
export const SOURCE_FILES_MAX = 20_000
export const SOURCE_REFS_MAX = 1_000
/** The name of a branch or tag; file systems bear a little more. */
export const SOURCE_REF_BYTES_MAX = 200
/** What a push may want to move: all that is there goes, and as many come. */
export const SOURCE_MOVES_MAX = 2 * SOURCE_REFS_MAX
/** What is read of a commit to be deployed: scripts, permissions, package files. */
export const SOURCE_TEXT_BYTES_MAX = 32 * 1_048_576
/** A request of a git client, from its first byte to the last of our answer: slow lines, and modules to install. */
export const SOURCE_REQUEST_MS_MAX = 15 * 60_000
export const SOURCE_REQUESTS_PER_SERVICE = 8
export const SOURCE_REQUESTS_AT_ONCE = 16
/** One step of git's on a repository, and what it may print; what was pushed within its time is read within the same. */
export const GIT_MS_MAX = 120_000
export const GIT_INDEX_MS_MAX = SOURCE_REQUEST_MS_MAX
export const GIT_OUTPUT_BYTES_MAX = 64 * 1_048_576
/** After so many packs git is given one index for all of them. */
export const SOURCE_PACKS_PER_INDEX = 32
/** How often we look for repositories whose services were deleted with their data. */
export const SOURCE_ENDED_LOOK_MS = 5_000
/** Loading what a push brings, to see whether that works: longer is not tried, and no reason to refuse it. */
export const SOURCE_LOAD_MS_MAX = 15_000
/** Of what such a load says when it fails. */
export const SOURCE_LOAD_MESSAGE_LENGTH_MAX = 2_000
/** Errors told to whoever pushes; more help nobody. */
export const SOURCE_PROBLEMS_SHOWN = 50
export const DEPLOYMENTS_SHOWN = 50
/** Of a service: so many that were deployed, and as many that were refused; of all, the newest keep what was said. */
export const DEPLOYMENTS_KEPT = 200
export const DEPLOYMENT_LOGS_KEPT = DEPLOYMENTS_SHOWN
export const DEPLOYMENT_LOG_CHARACTERS_MAX = 20_000
export const DEPLOYMENT_USERS_MAX = 100
/** A password that was right is not hashed again for this long: git sends it with each of its requests. */
export const DEPLOYMENT_PASSWORD_KNOWN_MS = 60_000
/** Requests of the original's tools: of one caller, and of who shows nothing that is known; and callers counted at once. */
export const PROTOCOL_RATE = { burst: 400, perSecond: 40 }
export const PROTOCOL_STRANGERS_RATE = { burst: 30, perSecond: 1 }
export const PROTOCOL_CALLERS_MAX = 10_000
/** Client certificates of theirs, and for how long one is good unless told otherwise, and at most. */
export const MANAGEMENT_CERTIFICATES_MAX = 1_000
export const MANAGEMENT_CERTIFICATE_DAYS = 30
export const MANAGEMENT_CERTIFICATE_DAYS_MAX = 365
/** What became of a request can be asked for so long; how often (at first, then) and how long one that waits looks. */
export const PROTOCOL_OUTCOME_KEEP_MS = 24 * 3_600_000
export const PROTOCOL_WAIT_EVERY_MS = 100
export const PROTOCOL_WAIT_QUICK_MS = 5_000
export const PROTOCOL_WAIT_SLOW_EVERY_MS = 1_000
export const PROTOCOL_WAIT_MS_MAX = 30 * 60_000
/** Requests that wait at once. */
export const PROTOCOL_WAITERS_MAX = 200
export const PROTOCOL_WAITERS_PER_CALLER = 20
/**
 * Recoveries that tools ask for: a failed one keeps its secondary safe from their clean-up, a successful one answers
 * again.
 */
export const RECOVERY_FENCE_MS = 15 * 60_000
export const RECOVERY_DONE_MS = 3_600_000
export const RECOVERY_AGAIN_MS = 24 * 3_600_000
export const RECOVERY_BEGUN_MS_MAX = 5 * 60_000
/** A service that was deleted with its data is kept for so long: time to notice a mistake. */
export const DELETED_KEEP_DAYS = 30
export const DELETED_KEEP_MS = DELETED_KEEP_DAYS * 24 * 3_600_000
