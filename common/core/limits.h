/* SPDX-License-Identifier: ISC */
#ifndef CORE_LIMITS_H
#define CORE_LIMITS_H

/* Every limit of the core.  Reaching one is an outcome with a code and a test.
 */
enum {
	LINKS_MAX = 1024,        /* links of one node */
	LINKS_PER_NODE_MAX = 64, /* of those, to one other node */
	LINK_SENT_MAX = 512,     /* frames without ACK, of one link */
	LINK_SENT_BYTES_MAX = 8 << 20,
	SR_MESSAGES_MAX = 2048, /* of a datagram link, waiting or without ACK */
	SR_BYTES_MAX = 4 << 20, /* of those */
	SR_SENT_MAX = 4096,     /* transmissions of them, remembered */
	SR_WINDOW_MAX = 1 << 20, /* bytes in flight */
	SR_REORDER_FIRST = 3,    /* frames that may overtake one, RFC 5681 */
	SR_REORDER_MAX = 64,
	SR_SUSPECT_TIMEOUTS = 3,   /* without an ACK, s6.6.3.1 */
	SR_PATIENT_TIMEOUTS = 10,  /* that give a node up where much is lost */
	LINK_LOSSY_PERMILLE = 100, /* of messages sent again: a bad network */
	TXNS_MAX = 4096,           /* own requests in flight */
	REQUESTS_MAX = 4096,       /* requests being answered */
	ANSWERS_MAX = 4096, /* answers kept for retransmissions, s6.2.1 */
	ANSWERS_BYTES_MAX = 4 << 20,
	RETURN_PATHS_MAX = 16384, /* client links remembered by transaction */
	REASSEMBLIES_MAX = 512,   /* messages being reassembled, s6.7 */
	REASSEMBLIES_PER_LINK_MAX = 64, /* of those, begun on one link */
	REASSEMBLY_BYTES_MAX = 16 << 20,
	CERTS_MAX = 2048,              /* certificates in the cache */
	DIALS_MAX = 256,               /* Attaches and connects under way */
	DIALS_PER_NODE_MAX = 4,        /* of those, for one node's Attaches */
	CANDIDATES_MAX = 16,           /* of one Attach, tried */
	APPLICATIONS_MAX = 4,          /* that a node serves */
	APP_ATTACHES_MAX = 256,        /* answered in APP_ATTACH_US */
	APP_ATTACHES_PER_NODE_MAX = 4, /* of those, one node's */
	COMMANDS_MAX = 4096,           /* under way */
	CONFIG_UPDATES_MAX = 64,       /* being sent to nodes that are behind */
	CONFIG_REFUSED_MAX = 8, /* documents of one node, in CONFIG_PAUSE_US */
	CONFIG_OFFENDERS_MAX = 32,   /* nodes of which that is remembered */
	OPAQUES_MAX = 4096,          /* opaque IDs of 12 bits, s6.3.2.2 */
	DESTINATIONS_MAX = 128,      /* entries of a via or destination list */
	NODE_ARENA_MAX = 256 << 20,  /* bytes of one step */
	MESSAGE_ARENA_MAX = 4 << 20, /* bytes decoded from one message */
	BATCH_ARENA_MAX = 16 << 20,  /* bytes of one change of the storage */
	COPIES_MAX = 1024,           /* replica Stores being made */
	RECALLS_MAX = 64,       /* refused copies being fetched, s6.4.2.3 */
	GUESTS_MAX = 32,        /* nodes that join in front of this one */
	STORE_WAITING_MAX = 64, /* requests that wait for one resource */
	STORE_MATES_MAX = 16,   /* Stores in one batch */
	STORE_MATES_BYTES = 1 << 16, /* of them together */
	STORE_ANSWER_MAX = 2 << 20,  /* bytes of values in one FetchAns */
	STORE_STAT_MAX = 16 << 20,   /* bytes of values behind one StatAns */
	UNKNOWN_KINDS_MAX = 63,      /* Kind-IDs in an error_info, s7.4.1.2 */
	FRAME_MAX = (1 << 24) - 1,   /* bytes in a FramedMessage */
	NEIGHBORS_MIN = 8,           /* predecessors, and successors, kept: */
	NEIGHBORS_MAX = 32,          /* log2 of the nodes, s10.7 */
	CACHED_PEERS_MAX = 10,       /* s11.4 */
	FINGERS_MAX = 128,           /* s10.7.4.3 */
	PROBE_COUNT_SHARE = 20,      /* of the time, one is for counting */
	UPDATE_NAMES_MAX = 1024,     /* nodes named in one list of an Update */
	REPLICAS = 2                 /* copies besides the owner's, s10.4 */
};

/* Times.  RFC 6940 s6.2.1, s6.6.5, s6.7, s10.7.1. */
#define REQUEST_LIFETIME_US     UINT64_C(15000000)
#define LINK_HOLD_US            UINT64_C(30000000)
#define REPLACEMENT_HOLDDOWN_US UINT64_C(30000000)
#define STORE_PURGE_US          UINT64_C(60000000) /* between purges */
#define STORE_REPLICA_WAIT_US   UINT64_C(1000000)
#define CONFIG_PAUSE_US         UINT64_C(15000000)
#define PROBE_COUNT_US          UINT64_C(1000000)  /* a count is good for */
#define TALLY_US                UINT64_C(60000000) /* between two lines */
#define SENDS_MAX               5
#define LINK_RTO_FIRST_US       UINT64_C(1000000) /* RFC 6298 s2 */
#define LINK_RTO_MIN_US         UINT64_C(1000000)
#define LINK_RTO_MAX_US         UINT64_C(60000000)
#define SR_RTO_FIRST_US         UINT64_C(500000) /* s6.6.3.1 */
#define SR_RTO_MIN_US           UINT64_C(200000)
#define SR_BURST_US             UINT64_C(2000)     /* timers may be so late */
#define DIAL_CONNECT_US         UINT64_C(5000000)  /* one candidate */
#define DIAL_HANDSHAKE_US       UINT64_C(10000000) /* one of DTLS */
#define APP_ATTACH_US           UINT64_C(15000000)
#define DIAL_WAIT_US            UINT64_C(15000000) /* for the other side */

#endif
