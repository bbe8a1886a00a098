/* SPDX-License-Identifier: ISC */
#ifndef SIM_ACTS_H
#define SIM_ACTS_H

#include "audit.h"
#include "chaos.h"
#include "check.h"
#include "reads.h"

/* What chaos.c and the files that act for it share: the state of one run. */

/* What may happen in this run; all of it comes from the seed. */
struct plan {
	bool torn;           /* partitions, also in one direction only */
	bool slow;           /* slow hosts */
	bool lossy;          /* messages get lost, come twice, come late */
	bool deaths;         /* crashes */
	bool wipes;          /* disks are lost for good */
	bool blackout;       /* all crash at once */
	bool full;           /* disks fill up */
	bool clocks;         /* are wrong by hours, and jump */
	bool documents;      /* are replaced */
	bool villain;        /* a member breaks the rules */
	uint64_t session_us; /* mean, exponential; 0: no such churn */
	uint64_t absence_us; /* mean */
	uint64_t pause_us;   /* between two acts, at most */
	uint64_t trouble_us; /* how long the network is in pieces, at most */
};

struct chaos {
	const struct chaos_options *opt;
	struct plan plan;
	struct world *world;
	struct check check;
	struct truth truth;
	struct audit audit;
	struct reads reads;
	struct rogue *villain;
	uint32_t n_actors; /* hosts that come and go: the first of them */
	uint32_t n_bereft; /* disks lost since all copies were there */
	uint64_t heal_us;  /* when the trouble ends, or NEVER */
	uint64_t n_wrong;
};

uint64_t act_chance(struct chaos *c, uint64_t n);
bool act_is_client(const struct chaos *c, const struct host *h);
struct host *act_pick(struct chaos *c);

/* crowd.c: who is there. */
void crowd_start(struct chaos *c, struct host *h);
void crowd_come(struct chaos *c);
void crowd_leave(struct chaos *c);
void crowd_die(struct chaos *c);
/* One or two neighbours lose their disks, if that can do no harm. */
void crowd_lose(struct chaos *c);
/* One or two neighbours crash and will not be started again; false when only a
 * third of the peers is left. */
bool crowd_dwindle(struct chaos *c);
/* All crash at once. */
void crowd_blackout(struct chaos *c);
/* Sessions end and begin: so much time has passed. */
void crowd_churn(struct chaos *c, uint64_t us);
/* Those that have left are stopped. */
void crowd_reap(struct chaos *c);

/* trouble.c: what befalls them. */
void trouble_net(struct chaos *c);
void trouble_disk(struct chaos *c);
void trouble_clock(struct chaos *c);
void trouble_document(struct chaos *c);
/* Is the network in pieces? */
bool trouble_now(const struct chaos *c);
void trouble_end(struct chaos *c);

/* work.c: what they are asked to do. */
void work_facts(struct chaos *c, struct host *h);
void work_store(struct chaos *c);
void work_fetch(struct chaos *c);
void work_settle(struct chaos *c);
/* Every value, from every node. */
void work_fetch_all(struct chaos *c);

/* villain.c: a member that breaks the rules. */
void villain_come(struct chaos *c);
void villain_act(struct chaos *c);
void villain_go(struct chaos *c);

#endif
