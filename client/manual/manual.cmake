# The manual pages in both languages and the completion, made from the tables that --help is made from.
file(GLOB manual_sources CONFIGURE_DEPENDS client/manual/*.c)
add_executable(soukatsu-manual ${manual_sources})
target_link_libraries(soukatsu-manual PRIVATE souc)

set(manual_dir ${CMAKE_BINARY_DIR}/manual)
file(GLOB manual_templates CONFIGURE_DEPENDS client/manual/*.in)
set(manual_files ${manual_dir}/soukatsu.bash)
foreach(template ${manual_templates})
	get_filename_component(name ${template} NAME) # soukatsu.1.ja.in
	string(REGEX REPLACE "\\.(ja|en)\\.in$" "" page ${name})
	string(REGEX REPLACE "^.*\\.([1-8])\\.(ja|en)\\.in$" "\\1" section ${name})
	string(REGEX REPLACE "^.*\\.(ja|en)\\.in$" "\\1" language ${name})
	set(folder man${section})
	if(language STREQUAL "ja")
		set(folder ja/man${section})
	endif()
	set(made ${manual_dir}/${folder}/${page})
	add_custom_command(OUTPUT ${made}
		COMMAND ${CMAKE_COMMAND} -E make_directory ${manual_dir}/${folder}
		COMMAND soukatsu-manual ${language} ${template} > ${made}
		COMMAND gzip -9nkf ${made}
		DEPENDS soukatsu-manual ${template} VERBATIM)
	list(APPEND manual_files ${made})
	install(FILES ${made}.gz DESTINATION share/man/${folder})
endforeach()
add_custom_command(OUTPUT ${manual_dir}/soukatsu.bash
	COMMAND ${CMAKE_COMMAND} -E make_directory ${manual_dir}
	COMMAND soukatsu-manual bash > ${manual_dir}/soukatsu.bash
	DEPENDS soukatsu-manual VERBATIM)
add_custom_target(manual ALL DEPENDS ${manual_files})
foreach(command soukatsu soukatsud) # it is found by the command's name
	install(FILES ${manual_dir}/soukatsu.bash DESTINATION share/bash-completion/completions RENAME ${command})
endforeach()
