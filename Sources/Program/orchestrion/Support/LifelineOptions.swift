import ArgumentParser
import Foundation

/// For commands that the program starts itself.
struct LifelineOptions: ParsableArguments {
    @Flag(help: ArgumentHelp("End at once when standard input ends: its holder is gone.", visibility: .hidden))
    var endWithInput = false

    @Flag(
        help: ArgumentHelp(
            "No file of settings counts, and no environment: the command line says all.", visibility: .hidden))
    var onlyArguments = false

    func watch() {
        guard endWithInput else { return }
        let thread = Thread {
            var byte: UInt8 = 0
            while true {
                let count = read(STDIN_FILENO, &byte, 1)
                guard count > 0 || (count < 0 && errno == EINTR) else { _exit(1) }
            }
        }
        thread.start()
    }
}
