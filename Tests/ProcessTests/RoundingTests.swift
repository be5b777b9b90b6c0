import Foundation
import TestSupport
import Testing

extension ClusterProcesses {
    /// A library that others bring into the process, and that changes how numbers are rounded.
    @Suite(.serialized) struct RoundingTests {
        /// Changes the environment when it is loaded, in every thread that begins, and, "late", again and again.
        private static let source = """
            #define _GNU_SOURCE
            #include <dlfcn.h>
            #include <pthread.h>
            #include <stdlib.h>
            #include <string.h>
            #include <time.h>
            #if defined(__x86_64__)
            #include <xmmintrin.h>
            static void set(int rounding) { _mm_setcsr(rounding ? 0x7F80 : 0x9FC0); }
            #else
            static void set(int rounding) { __asm__ volatile("msr fpcr, %0" : : "r"(rounding ? 3ull << 22 : 1ull << 24)); }
            #endif
            static void spoil(void) {
                const char *const how = getenv("SPOIL");
                set(how && strstr(how, "round"));
            }
            __attribute__((constructor)) static void begin(void) { spoil(); }
            struct start { void *(*body)(void *); void *argument; };
            static void *run(void *pointer) {
                const struct start start = *(struct start *)pointer;
                free(pointer);
                spoil();
                return start.body(start.argument);
            }
            int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *argument) {
                int (*const next)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) = dlsym(RTLD_NEXT, "pthread_create");
                struct start *const start = malloc(sizeof *start);
                *start = (struct start){body, argument};
                return next(thread, attributes, run, start);
            }
            int clock_gettime(clockid_t clock, struct timespec *time) {
                static int (*next)(clockid_t, struct timespec *);
                if (!next) next = dlsym(RTLD_NEXT, "clock_gettime");
                const char *const how = getenv("SPOIL");
                if (how && strstr(how, "late")) spoil();
                return next(clock, time);
            }
            """

        private static let library = Task {
            let folder = try TestFolder.make("spoil")
            let source = "\(folder)/spoil.c"
            try Self.source.write(toFile: source, atomically: true, encoding: .utf8)
            let compiler = try ChildProcess(
                name: "cc", executable: "cc",
                arguments: ["-shared", "-fPIC", "-O1", "-o", "\(folder)/spoil.so", source, "-ldl"], folder: folder,
                logs: folder)
            guard try await compiler.waitForEnd() == .exited(0) else {
                throw TestSupportError("the library cannot be compiled: \(compiler.errorOutput)")
            }
            return "\(folder)/spoil.so"
        }

        @Test(arguments: ["ftz", "round", "late-ftz", "late-round"])
        func `a library that changes rounding in every thread changes no token`(_ how: String) async throws {
            let song = TestSong(model: try await TestModel.tiny(), seconds: 1, seed: 5)
            let folder = try TestFolder.place("spoiled")
            let result = try await Orchestrion.run(
                ["sample", "--out", folder, "--threads", "2"] + song.options,
                environment: ["LD_PRELOAD": try await Self.library.value, "SPOIL": how], limit: .seconds(120))
            // One that changes it while steps are computed may end the sampling, which says so.
            guard result.succeeded else {
                return #expect(
                    how.hasPrefix("late") && result.errorOutput.contains("LD_PRELOAD"), "\(result.report)")
            }
            let expected = try await song.undisturbed()
            #expect(try SongResult(folder: folder) == expected)
        }
    }
}
