/* SPDX-License-Identifier: ISC */
/* The forms of the files in the operator's folder: PEM, and who may read it. */
#include "cli/authority_file.h"

#include <stdlib.h>

#include "cli/authority.h"
#include "conf/file.h"
#include "crypto/pem.h"

enum err authority_file_write(const char *dir, const char *name,
			      struct slice content, mode_t mode,
			      struct why *why)
{
	char *path = file_path(dir, name);
	enum err r = path == NULL ? ERR_NOMEM
				  : file_write(path, content, mode, why);

	free(path);
	return r;
}

enum err authority_file_cert(const char *dir, const char *name,
			     struct slice der, struct why *why)
{
	struct buf pem = BUF_INIT(AUTHORITY_FILE_MAX);
	enum err r = pem_append(&pem, PEM_CERTIFICATE, der);

	if (r == OK)
		r = authority_file_write(dir, name, buf_slice(&pem), 0644, why);
	buf_clear(&pem);
	return r;
}

enum err authority_file_key(const char *dir, const char *name,
			    const struct key *k, struct why *why)
{
	struct buf pem = BUF_INIT(AUTHORITY_FILE_MAX);
	enum err r = key_save(k, &pem);

	if (r == OK)
		r = authority_file_write(dir, name, buf_slice(&pem), 0600, why);
	buf_wipe(&pem);
	return r;
}
