/* pool.c - blocks in a chain; a piece larger than a block gets one of its own. */
#include "daemon/plan/pool.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/error.h"

#define BLOCK_BYTES 16384u
#define ALIGN       16u

struct soud_pool_block {
	struct soud_pool_block *next;
	_Alignas(ALIGN) unsigned char bytes[];
};

void soud_pool_fini(struct soud_pool *pool)
{
	while (pool->blocks != NULL) {
		struct soud_pool_block *next = pool->blocks->next;
		free(pool->blocks);
		pool->blocks = next;
	}
	*pool = (struct soud_pool){0};
}

void *soud_pool_take(struct soud_pool *pool, size_t n)
{
	SOU_ASSERT(n <= SIZE_MAX - BLOCK_BYTES);
	size_t need = (n + ALIGN - 1) / ALIGN * ALIGN;
	if (need == 0)
		need = ALIGN;
	if (pool->room - pool->used < need) {
		size_t room = need > BLOCK_BYTES ? need : BLOCK_BYTES;
		struct soud_pool_block *block = malloc(sizeof *block + room);
		if (block == NULL) {
			pool->failed = true;
			return NULL;
		}
		block->next = pool->blocks;
		pool->blocks = block;
		pool->used = 0;
		pool->room = room;
	}
	void *piece = pool->blocks->bytes + pool->used;
	pool->used += need;
	memset(piece, 0, need);
	return piece;
}

const char *soud_pool_text(struct soud_pool *pool, struct sou_span text)
{
	char *copy = soud_pool_take(pool, text.n + 1);
	if (copy == NULL)
		return "";
	if (text.n > 0)
		memcpy(copy, text.p, text.n);
	return copy;
}

struct sou_span soud_pool_bytes(struct soud_pool *pool, struct sou_span bytes)
{
	uint8_t *copy = soud_pool_take(pool, bytes.n);
	if (copy == NULL)
		return (struct sou_span){NULL, 0};
	if (bytes.n > 0)
		memcpy(copy, bytes.p, bytes.n);
	return (struct sou_span){copy, bytes.n};
}

const char *soud_pool_printf(struct soud_pool *pool, const char *format, ...)
{
	va_list args, again;
	va_start(args, format);
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	char *text = n < 0 ? NULL : soud_pool_take(pool, (size_t)n + 1);
	if (text != NULL)
		vsnprintf(text, (size_t)n + 1, format, again);
	va_end(again);
	return text != NULL ? text : "";
}

void *soud_list_add(struct soud_pool *pool, struct soud_list *list, size_t member_bytes)
{
	if (list->count == list->room) {
		size_t room = list->room == 0 ? 8 : list->room * 2;
		void *members = soud_pool_take(pool, room * member_bytes);
		if (members == NULL)
			return NULL;
		if (list->count > 0)
			memcpy(members, list->members, list->count * member_bytes);
		list->members = members;
		list->room = room;
	}
	return (char *)list->members + list->count++ * member_bytes;
}
