# What is installed beside the programs, and the package soukatsu_VERSION_ARCH.deb (target `package`).
# Scripts of the package and what purge does: config/deb/.
include(GNUInstallDirs)

set(unit_dir lib/systemd/system)
install(FILES systemd/soukatsud.service systemd/soukatsud@.service DESTINATION ${unit_dir})
install(FILES systemd/soukatsu.sysusers DESTINATION lib/sysusers.d RENAME soukatsu.conf)
install(FILES systemd/soukatsu.tmpfiles DESTINATION lib/tmpfiles.d RENAME soukatsu.conf)

set(doc_dir share/doc/soukatsu)
install(FILES README.md docs/administration.md docs/architecture.md docs/api.md docs/settings.md docs/logs.md
	docs/metrics.md DESTINATION ${doc_dir})
install(FILES config/soukatsud.conf tests/data/organisations.csv tests/data/soukatsu-2023-08.json
	DESTINATION ${doc_dir}/examples)
install(FILES config/deb/copyright DESTINATION ${doc_dir})
install(FILES config/deb/lintian-overrides DESTINATION share/lintian/overrides RENAME soukatsu)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME soukatsu)
set(CPACK_PACKAGE_CONTACT "soukatsu <soukatsu@users.noreply.github.com>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "signed, offline-first progress reports for councils of social welfare")
set(CPACK_PACKAGE_DESCRIPTION "Sites write, agree on and submit their part of a plan's
progress report, with or without a line to headquarters. Every record is
signed, and all sites that may read the same hold the same.
.
The command soukatsu, the daemon soukatsud with its systemd units, manual
pages in Japanese and English.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
	OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS systemd)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(deb ${CMAKE_SOURCE_DIR}/config/deb)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA "${deb}/postinst;${deb}/prerm;${deb}/postrm")

set(changelog ${CMAKE_BINARY_DIR}/changelog.gz)
add_custom_command(OUTPUT ${changelog}
	COMMAND sh ${deb}/changelog.sh ${CMAKE_SOURCE_DIR}/CHANGELOG.md ${CPACK_PACKAGE_CONTACT} > changelog
	COMMAND gzip -9nf changelog
	DEPENDS ${deb}/changelog.sh CHANGELOG.md WORKING_DIRECTORY ${CMAKE_BINARY_DIR} VERBATIM)
add_custom_target(changelog ALL DEPENDS ${changelog})
install(FILES ${changelog} DESTINATION ${doc_dir})
include(CPack)
