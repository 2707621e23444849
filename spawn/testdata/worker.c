/* A worker for the benchmark: its first act says that it is there. */
#include <unistd.h>

int main(void)
{
	return write(3, "!", 1) != 1;
}
