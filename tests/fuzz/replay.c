/* replay.c - runs a fuzz target over the files of its corpus without libFuzzer, so that an ordinary
 * build keeps every target alive and every crash ever found stays fixed. An empty corpus fails. */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_BYTES_MAX (1u << 21) /* twice a frame, the largest thing that any target reads */

/* The input sits in a block of exactly its size, so that a sanitizer sees the first byte past it.
 */
static int run_file(const char *path)
{
	static uint8_t buffer[INPUT_BYTES_MAX];
	FILE *file = fopen(path, "rb");
	if (file == NULL) {
		perror(path);
		return -1;
	}
	size_t size = fread(buffer, 1, sizeof buffer, file);
	int broken = ferror(file) || size == sizeof buffer;
	fclose(file);
	if (broken) {
		fprintf(stderr, "%s: unreadable, or larger than any input may be\n", path);
		return -1;
	}
	uint8_t *exact = malloc(size > 0 ? size : 1);
	if (exact == NULL)
		return -1;
	memcpy(exact, buffer, size);
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: %s CORPUS_FOLDER\n", argv[0]);
		return 2;
	}
	DIR *folder = opendir(argv[1]);
	if (folder == NULL) {
		perror(argv[1]);
		return 1;
	}
	int files = 0, bad = 0;
	for (struct dirent *d = readdir(folder); d != NULL; d = readdir(folder)) {
		if (d->d_name[0] == '.')
			continue;
		char path[4096];
		snprintf(path, sizeof path, "%s/%s", argv[1], d->d_name);
		files++;
		if (run_file(path) != 0)
			bad++;
	}
	closedir(folder);
	printf("%s: %d inputs, %d bad\n", argv[1], files, bad);
	return files > 0 && bad == 0 ? 0 : 1;
}
