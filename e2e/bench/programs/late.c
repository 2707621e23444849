/*
 * The C example, which takes as many milliseconds to start as it is told.
 */
#define main example_main
#include "../../../examples/http-c/worker.c"
#undef main

int main(int argc, char **argv)
{
	if (argc != 2)
		return 64;
	poll(NULL, 0, atoi(argv[1]));
	return example_main(1, argv);
}
