/* ops.h - the ops of one act of a person while it is made, and its signing (R2). Values are packed
 * here, so that what is signed is what was checked. */
#ifndef SOUD_PLAN_OPS_H
#define SOUD_PLAN_OPS_H

#include "daemon/plan/look.h"
#include "daemon/plan/refusal.h"

struct soud_ops { /* zeroed is a valid empty one */
	struct soud_pool pool;
	struct soud_list list; /* of struct sou_draft_op */
	struct sou_buf value;  /* the one being packed */
	bool failed;           /* no memory; told by soud_ops_act */
};
void soud_ops_fini(struct soud_ops *ops);

/* `set` one field. `replaced`: the register whose live versions the new one names; NULL: none. A
 * register with more live versions than an op may name is replaced as far as that goes (P6.2). */
void soud_ops_text(struct soud_ops *ops, uint16_t kind, const struct sou_id *entity, uint16_t field,
		   const struct sou_register *replaced, const char *text);
void soud_ops_uint(struct soud_ops *ops, uint16_t kind, const struct sou_id *entity, uint16_t field,
		   const struct sou_register *replaced, uint64_t v);
void soud_ops_id(struct soud_ops *ops, uint16_t kind, const struct sou_id *entity, uint16_t field,
		 const struct sou_register *replaced, const struct sou_id *v);
void soud_ops_bytes(struct soud_ops *ops, uint16_t kind, const struct sou_id *entity,
		    uint16_t field, const struct sou_register *replaced, struct sou_span bytes);
void soud_ops_nil(struct soud_ops *ops, uint16_t kind, const struct sou_id *entity, uint16_t field,
		  const struct sou_register *replaced);
/* Canonical bytes as they are; what is named is given. */
void soud_ops_value(struct soud_ops *ops, uint16_t kind, const struct sou_id *entity,
		    uint16_t field, const struct sou_id *replaces, size_t replace_count,
		    struct sou_span value);
/* Take the record away: names every live version of every field. */
void soud_ops_delete(struct soud_ops *ops, const struct sou_record *record);

/* The live versions of a register, in the pool. */
size_t soud_ops_live(struct soud_ops *ops, const struct sou_register *reg,
		     const struct sou_id **out);

/* Sign and store them as one act in the scope; nothing when there is no op. */
int soud_ops_act(struct soud_ops *ops, struct soud_replica *r, const struct sou_id *scope,
		 const struct sou_id *for_org, const char *by, struct soud_refusal *why);

/* R7, before anything is read or made: does this site hold one of the roles that a `set` of `kind`
 * needs in that scope? Else refused, with the role and whose it would be. */
int soud_ops_right(const struct soud_look *look, enum sou_scope_kind scope_kind,
		   const struct sou_id *scope, uint16_t kind, const struct sou_id *for_org,
		   struct soud_refusal *why);

/* A new record's id (P3.3). */
int soud_ops_entity(struct soud_replica *r, uint16_t kind, struct sou_id *out,
		    struct soud_refusal *why);

/* T-1: not empty, at most 8 KiB, no control character but the line end; says which and where. */
int soud_check_text(const char *text, struct soud_refusal *why);
/* The place (from 1, in characters) and code of the first control character; 0: none. */
size_t soud_control_at(const char *text, uint32_t *code);

#endif
