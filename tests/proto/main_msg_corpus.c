/* main_msg_corpus.c - write the seed corpus of fuzz_msg into a folder: main_msg_corpus FOLDER. */
#include <stdio.h>

#include "tests/proto/msg_samples.h"

int main(int argc, char **argv)
{
	if (argc != 2)
		return 64;
	for (int k = SOU_FRAME_HELLO; k <= SOU_FRAME_JOINED; k++) {
		uint8_t kind = (uint8_t)k;
		struct sou_buf body = {0};
		for (unsigned v = 0; sou_buf_clear(&body), msg_sample(kind, v, &body); v++) {
			char path[4096];
			(void)snprintf(path, sizeof path, "%s/%s-%u", argv[1], sou_frame_name(kind),
				       v);
			FILE *f = fopen(path, "wb");
			if (f == NULL)
				return 73;
			(void)fputc(kind, f);
			(void)fwrite(body.p, 1, body.n, f);
			if (fclose(f) != 0)
				return 74;
		}
		sou_buf_fini(&body);
	}
	return 0;
}
