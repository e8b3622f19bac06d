/* limits.h - every bound of the project, unit in the name, reason in the remark (R17).
 * A bound of the protocol names its rule: changing it breaks the wire. Each is tested at it, one
 * past it and, where a type allows, at the type's maximum. Pure. */
#ifndef SOU_LIMITS_H
#define SOU_LIMITS_H

/* Canonical bytes (PROTOCOL.md 2) */
#define SOU_STR_BYTES_MAX 8192u        /* P2.2 */
#define SOU_DEPTH_MAX     4u           /* P2.3 */
#define SOU_BUF_BYTES_MAX (256u << 20) /* one sou_buf: beyond is a fault of ours, not a need */

/* Entry header (5) */
#define SOU_SEQ_MAX          ((UINT64_C(1) << 48) - 1) /* P5.1 */
#define SOU_CLOCK_FLAGS_MAX  255u                      /* P5.1 */
#define SOU_HEADER_BYTES_MAX 2048u                     /* P5.2 */

/* Payload (6) */
#define SOU_PAYLOAD_BYTES_MAX 49152u /* P6.1: full form */
#define SOU_REDACTED_BYTES_MAX                                                                     \
	67584u /* P6.1: redacted form; a commitment is longer than a short value */
#define SOU_BY_BYTES_MAX    200u   /* P6.1 */
#define SOU_CITES_MAX       64u    /* P6.1 */
#define SOU_PARTS_MAX       1024u  /* P6.1 */
#define SOU_OPS_MAX         512u   /* P6.1 */
#define SOU_NUMBER_MAX      65535u /* P6.2: type, kind, field */
#define SOU_LIST_MAX        4096u  /* P6.2: members of a flat list */
#define SOU_REPLACES_MAX    256u   /* P6.2 */
#define SOU_NAMES_MAX       1024u  /* P7.2: ids in adopt and anchor */
#define SOU_PLACE_BYTES_MIN 5u     /* P7.7 */
#define SOU_PLACE_BYTES_MAX 64u    /* P7.7 */
_Static_assert(SOU_REDACTED_BYTES_MAX >= SOU_PAYLOAD_BYTES_MAX + 3 + 34 * (SOU_OPS_MAX + 1) - 17,
	       "every full form can be redacted whole");

/* Chains (9) */
#define SOU_OPENINGS_MAX 8u /* P9.3: epoch-opens among an entry and its ancestors */

/* Authority ops (8) */
#define SOU_AUTHOP_BYTES_MAX 49152u /* P8.1 */
#define SOU_AUTHSIGS_MAX     32u    /* P8.1: old and new root keys, or genesis with all it names */
#define SOU_EFFECTS_MAX      1024u  /* P8.1: keeps what is held for one op below 1 MiB */
#define SOU_ROOT_KEYS_MAX    16u    /* P8.4 */
_Static_assert(SOU_AUTHSIGS_MAX >= 2 * SOU_ROOT_KEYS_MAX,
	       "a change of all root keys is signed by all");
_Static_assert(SOU_AUTHSIGS_MAX >= SOU_ROOT_KEYS_MAX + 3, "genesis is signed by all that it names");

/* Time (10) */
#define SOU_HLC_AHEAD_MS 600000u /* P10.9: how far a received entry may pull the own clock */
#define SOU_WALL_MS_MAX  ((UINT64_C(1) << 48) - 1)

/* Frames, runs and batches (11) */
#define SOU_FRAME_BODY_BYTES_MAX  1048576u /* P11.1 */
#define SOU_RUN_ENTRIES_MAX       64u      /* P11.10 */
#define SOU_RUN_PAYLOAD_BYTES_MAX 524288u  /* P11.10 */
#define SOU_BATCH_BYTES_MAX                                                                        \
	(4u << 20) /* P11.6: raw data of news; what a peer can make us hold for one */
#define SOU_BATCH_PLAIN_BYTES 512u /* smaller batches of ours are not worth a zstd frame */
#define SOU_BATCH_PACK_BYTES                                                                       \
	786432u /* raw data of ours: fits in a frame where zstd gains nothing */
#define SOU_BATCH_PACK_ENTRIES 4096u /* entries in a batch of ours */
#define SOU_SIGNATURE_EVERY    64u   /* P11.10: entries at these seqs keep their own signature */
_Static_assert(SOU_RUN_PAYLOAD_BYTES_MAX < SOU_BATCH_PACK_BYTES,
	       "a batch of ours holds any one run");
_Static_assert(SOU_BATCH_PACK_BYTES < SOU_FRAME_BODY_BYTES_MAX,
	       "a batch of ours fits in one frame");

/* What is signed (4): the longest is a snapshot head */
#define SOU_SIGNED_BYTES_MAX 4096u

/* Invite (12) */
#define SOU_ADDRESS_BYTES_MAX     255u /* P12.5: HOST:PORT */
#define SOU_INVITE_TEXT_BYTES_MAX 512u /* P12.5: the whole string, which no valid one reaches */

/* Sessions (11, 13) */
#define SOU_WIRE_VERSION 0u
#define SOU_RULE_VERSION 1u /* of the tables of section 7 */
/* Log key: scope number << 40 | arrival. */
#define SOU_ARRIVAL_MAX                 ((UINT64_C(1) << 40) - 1)
#define SOU_SESSION_SCOPES_MAX          16384u /* P11.3: a list of so many still fits in a frame */
#define SOU_HELLO_SCOPES_MAX            16u    /* P11.3: more travel as one hash */
#define SOU_POSITIONS_HASH_BYTES        34u    /* P11.3: of a shorter list the hash saves nothing */
#define SOU_LEAVES_MAX                  16u    /* P11.4 */
#define SOU_SOFTWARE_BYTES_MAX          64u    /* P11.2 */
#define SOU_CLAUSE_BYTES_MAX            16u    /* P11.12: "P13.12" and a little more */
#define SOU_BYE_TEXT_BYTES_MAX          256u
#define SOU_HEADS_MAX                   1024u      /* P11.2 */
#define SOU_WANT_MAX                    256u       /* P11.2 */
#define SOU_SIGNATURES_MAX              1024u      /* P11.2: pairs in a frame */
#define SOU_AUTHORITY_FRAME_OPS_MAX     4096u      /* of smallest ops; the frame bounds the rest */
#define SOU_AUTHORITY_SERIES_FILL_BYTES 524288u    /* a series of ours ends past this */
#define SOU_AUTHORITY_SERIES_BYTES_MAX  (4u << 20) /* R17: memory per link */
#define SOU_NEWS_UNACKED_BYTES_MAX      (1u << 20) /* P13.9 */
#define SOU_NEWS_FLIGHTS_MAX            256u       /* small frames under way */
#define SOU_NEWS_RAW_BYTES              262144u    /* one frame of ours: some 700 texts */
#define SOU_SESSION_PENDING_MAX         512u /* handed to the replica at once; twice the flights */
#define SOU_SESSION_PENDING_BYTES_MAX   (3u << 20) /* R17: below the 4 MiB of a link */
/* R17: heads that a peer sent, of all scopes of a link; beyond, a scope is sent from its start. */
#define SOU_SESSION_HEADS_BYTES_MAX (1u << 20)
#define SOU_BAD_SIGNATURES_MAX      3u       /* R17 */
#define SOU_PENALTY_MS_MIN          60000u   /* R17: no link after that; doubles */
#define SOU_PENALTY_MS_MAX          3600000u /* R17 */
#define SOU_PENALTIES_MAX           256u     /* keys of which that is remembered */
#define SOU_JOIN_MS_MAX             10000u   /* P12.6: for a join from a key not listed */
#define SOU_RATE_PER_S              200u     /* R17: newly signed own entries of a peer */
#define SOU_RATE_BUCKET             20000u   /* R17 */
#define SOU_IDLE_PING_MS            60000u   /* P13.14 */
#define SOU_IDLE_CLOSE_MS           120000u  /* R17 */
#define SOU_DIGEST_EVERY_MS         10000u   /* P13.12 */
_Static_assert(SOU_SESSION_PENDING_MAX >= SOU_NEWS_FLIGHTS_MAX, "an honest peer's window fits");
_Static_assert(SOU_SESSION_SCOPES_MAX * 40u <= SOU_FRAME_BODY_BYTES_MAX,
	       "a full list fits in a frame");

/* Replica (P11.12, P16.1) */
#define SOU_FEED_HELD_MAX       10000u      /* R17: a feed's entries that are pending or held */
#define SOU_FEED_HELD_BYTES_MAX (64u << 20) /* R17: and their bytes */

/* Daemon */
#define SOU_WRITER_GROUP_MAX                                                                       \
	256u /* jobs in one transaction: bounds what one failure takes along                       \
	      */

/* R21: a replica that failed is opened anew this seldom at first, each time after twice as long. */
#define SOU_STORE_REOPEN_MS      5000u
#define SOU_STORE_REOPEN_LONG_MS 600000u
/* And so often within so long; then it stays closed until the daemon is started again. */
#define SOU_STORE_REOPENS_MAX      10u
#define SOU_STORE_REOPEN_WINDOW_MS 3600000u
#define SOU_SPACE_LOOK_MS          1000u /* R21: how often the disk is asked without a write */
#define SOU_SPACE_LOW_BYTES        (UINT64_C(512) << 20) /* R21: less is space low */
#define SOU_SPACE_LOW_PART         20u                   /* and so is less than 5 % */
#define SOU_SPACE_READ_ONLY_BYTES  (UINT64_C(64) << 20)
#define SOU_SPACE_RESERVE_BYTES    (16u << 20)
#define SOU_SCRUB_SAMPLE           256u       /* R22: records of a scope that are built anew */
#define SOU_SCRUB_EVERY_MS         604800000u /* R22: a week */
#define SOU_SCRUB_LOOK_MS          60000u     /* how often it is looked whether it is time */
#define SOU_SCRUB_REST             9u         /* weekly: so many times as long as a step took */
#define SOU_SCRUB_WANT_MS          30000u     /* what is damaged is asked for again */
#define SOU_DAMAGED_MAX            1024u      /* rows listed one by one; the rest is counted */
/* R20: until it looks again whether the log can be truncated */
#define SOU_WRITER_AGAIN_MS   100u
#define SOU_CHECK_SMALL_BYTES 4096u /* of a frame that is read on the loop's own thread */
#define SOU_CHECK_PART_MIN    16u   /* signatures: below, another thread costs more than it saves */

/* Transport (12, P16.1; daemon/net) */
/* Taken from a peer that has not yet shown a key; a handshake needs about 1 KiB. */
#define SOU_HANDSHAKE_BYTES_MAX  4096u
#define SOU_HANDSHAKE_MS_MAX     10000u /* from the accept on, or from the connect */
#define SOU_HANDSHAKE_PRESSED_MS 3000u  /* while others wait for its place; three round trips */
#define SOU_HANDSHAKES_MAX       64u    /* under way at once; some 0.1 s of work for one core */
/* Of them from one address that has no known key behind it. */
#define SOU_HANDSHAKES_ADDRESS_MAX 8u
/* Past its handshake, a key that authority does not list has one frame to send (P12.6, R17). Links
 * of such keys: in all, and from one address; else whoever makes up keys takes all descriptors. */
#define SOU_STRANGERS_MAX            64u
#define SOU_STRANGERS_ADDRESS_MAX    8u
#define SOU_STRANGER_FRAME_BYTES_MAX 4096u /* a join has 263 bytes, the hello after it 1.5 KiB */
/* Accepted and waiting for one of those 8, at 1 KiB each; and of them from one address: a proxy
 * with all sites of a prefecture behind it, after a restart of the hub. */
#define SOU_PARKED_MAX         1024u
#define SOU_PARKED_ADDRESS_MAX 512u
#define SOU_ACCEPTS_TURN_MAX   16u /* in a turn of the loop: handshakes progress in between */
/* Addresses remembered for the key behind them: all sites of a prefecture, twice. */
#define SOU_ADDRESSES_KNOWN_MAX 4096u
#define SOU_FDS_FREE_MIN        32u          /* kept for the replica, its WAL and a reload */
#define SOU_LINK_BYTES_MAX      (4u << 20)   /* held for one link, both directions */
#define SOU_LINKS_BYTES_MAX     (128u << 20) /* held for all; beyond, new ones are refused */
/* Less than so many bytes in so long, in mid-frame, is a slow peer. */
#define SOU_SLOW_BYTES_MIN 1024u
#define SOU_SLOW_MS        10000u
#define SOU_STALL_MS_MAX   120000u /* the peer takes nothing of what waits for it */
/* For the last bytes of an orderly close: a link that was withdrawn is gone within 5 s. */
#define SOU_LINGER_MS_MAX  3000u
#define SOU_UNACKED_MS_MAX 60000u /* the kernel gives up a path that acknowledges nothing */
/* KeyUpdate and the like, from one peer in the life of a link. */
#define SOU_POST_HANDSHAKE_MAX 32u
/* Own KeyUpdate after so many records: AES-GCM is good for 2^24.5 (RFC 8446 5.5). */
#define SOU_REKEY_RECORDS_MAX  4194304u
#define SOU_CONNECT_MS_MAX     5000u /* for one address of a name, while others wait */
#define SOU_DIAL_ADDRESSES_MAX 8u    /* of one name */
/* A link that lived so long lets the back-off begin anew. */
#define SOU_DIAL_PROVEN_MS    30000u
#define SOU_NETWATCH_QUIET_MS 300u /* the network changes in bursts: one notice for each */
_Static_assert(SOU_LINK_BYTES_MAX >= 2 * SOU_FRAME_BODY_BYTES_MAX + (1u << 20),
	       "a frame each way, and its ciphertext");
_Static_assert(SOU_LINKS_BYTES_MAX >= 8 * SOU_LINK_BYTES_MAX,
	       "a few slow peers do not stop the others");
_Static_assert(SOU_PARKED_ADDRESS_MAX <= SOU_PARKED_MAX, "one address cannot take more than all");

/* Control socket (docs/api.md) and the command line */
#define SOU_HTTP_CONNECTIONS_MAX      64u         /* people and scripts of one machine */
#define SOU_HTTP_BODY_BYTES_MAX       (4u << 20)  /* the largest plan or list that is imported */
#define SOU_HTTP_DISCARD_BYTES_MAX    (64u << 20) /* read away, so that a refusal arrives */
#define SOU_HTTP_HEADER_BYTES_MAX     32768u      /* a connection's memory for headers */
#define SOU_HTTP_IDLE_S               30u         /* a connection that says nothing */
#define SOU_HTTP_ACCEPTS_PER_WAKE_MAX 16          /* then the rest of the loop has its turn */
#define SOU_HTTP_ACCEPT_RETRY_MS      1000u       /* R17: descriptors are used up */
#define SOU_HTTP_LIST_MAX             64u         /* members of a list in a body */
#define SOU_HTTP_LINE_BYTES_MAX       255u        /* handles, names of sites */
#define SOU_HTTP_INTEGER_MAX          9007199254740991 /* 2^53 - 1: what every JSON reader keeps */
#define SOU_JSON_DEPTH_MAX            16u              /* our shapes need a handful of levels */
#define SOU_PASSPHRASE_BYTES_MAX      1024u
#define SOU_CSV_BYTES_MAX             (1u << 20)   /* a list of organisations */
#define SOU_CALL_REPLY_BYTES_MAX      (256u << 20) /* a table of 30,000 items is a tenth of it */
#define SOU_CALL_CONNECT_MS           5000
#define SOU_CALL_TIMEOUT_MS           300000 /* an import on a slow disk */
_Static_assert(SOU_CSV_BYTES_MAX < SOU_HTTP_BODY_BYTES_MAX,
	       "a list of organisations fits in a body");
_Static_assert(SOU_STR_BYTES_MAX < SOU_HTTP_HEADER_BYTES_MAX, "headers stay small beside texts");

/* What the service manager hears (daemon/notify.h) */
#define SOU_NOTIFY_TICK_MS            5000u /* how old STATUS may be */
#define SOU_NOTIFY_TICKS_PER_WATCHDOG 4u    /* ticks within WATCHDOG_USEC: three may get lost */
#define SOU_NOTIFY_SILENT_MAX         3u /* ticks without the writer's answer until it is logged */

#define SOU_DOCTOR_SILENT_DAYS    3u     /* R14: no contact that is worth a word */
#define SOU_DOCTOR_CLOCK_MS       60000u /* R15: a clock so far off the hub's is told */
#define SOU_LOG_LINES_PER_MIN     10u    /* R17 */
#define SOU_LOG_LINES_ALL_PER_MIN 600u   /* of all peers: addresses cost an attacker little */
#define SOU_LOG_PEERS_MAX         256u   /* addresses whose lines are counted */

#endif
