import Foundation

/// Namespaces of this process's own, in which networks and disks may be made and broken. They end with the last process in
/// them, so nothing is left of them, however that ends.
package enum Isolation {
    /// What the process is started with again, and finds in its environment then.
    private static let mark = "ORCHESTRION_CHAOS_INSIDE"

    /// Whether this process is in namespaces of its own.
    package static var isInside: Bool { ProcessInfo.processInfo.environment[mark] != nil }

    /// What a small program that needs everything can do, tried.
    private static let trial = """
        ip link set lo up && ip link add chaosa type veth peer name chaosb && tc qdisc add dev chaosa root tbf rate 64kbit burst 2kb \
        latency 2s && ip route add blackhole 10.231.255.1 && mount -t tmpfs -o size=1m chaos /mnt && nsenter --net=/proc/self/ns/net true
        """

    /// The program that makes the namespaces, with its arguments, as root or else with a user namespace; nil where the system
    /// lets us have none.
    private static func maker() -> [String]? {
        guard let unshare = Tool.path("unshare"), Tool.path("nsenter") != nil, Tool.path("ip") != nil else {
            return nil
        }
        let rights = getuid() == 0 ? [] : ["--user", "--map-root-user"]
        let words = rights + ["--net", "--mount"]
        return Tool.run(["unshare"] + words + ["sh", "-c", trial]).code == 0 ? [unshare] + words : nil
    }

    /// A network namespace begins without an address of its own.
    ///
    /// - Throws: `ChaosError`.
    static func makeReady() throws { if isInside { try Tool.need(["ip", "link", "set", "lo", "up"]) } }

    /// Starts this process again in namespaces of its own, in place of this one. Returns where that cannot be had.
    package static func enter() {
        guard !isInside, let maker = maker(),
            let program = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        else { return }
        setenv(mark, "1", 1)
        let words = maker + [program] + CommandLine.arguments.dropFirst()
        var pointers: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        execv(maker[0], &pointers)
        unsetenv(mark)
        for pointer in pointers { free(pointer) }
    }
}
