import Foundation
import Synchronization

/// The hosts of a cluster: what is found there, brought, started and stopped. A host that fails does not stop the others.
///
/// Everything blocks; hosts are asked side by side.
package final class ClusterHosts: Sendable {
    let file: ClusterFile
    /// The folder on this machine that has what is kept of the cluster.
    let records: ClusterRecords
    let shells: [String: HostShell]
    private let control: ControlFolder
    private let reports: Mutex<[String: HostReport]>
    private let place = Mutex<(endpoint: String, key: String)?>(nil)
    private let listener: @Sendable (HostEvent) -> Void

    /// Hosts at a time.
    private static let most = 8

    /// - Parameter listener: is called from several threads.
    package init(
        _ file: ClusterFile, records: ClusterRecords, listener: @escaping @Sendable (HostEvent) -> Void
    ) throws {
        let control = try ControlFolder()
        (self.file, self.records, self.listener, self.control) = (file, records, listener, control)
        let names = file.hosts + records.formerHosts(file)
        shells = names.reduce(into: [:]) { $0[$1] = HostShell(host: $1, folder: file.folder, control: control) }
        reports = Mutex(names.reduce(into: [:]) { $0[$1] = HostReport(host: $1, file: file) })
    }

    /// Ends the connections.
    package func close() {
        side(by: Array(shells.keys)) { self.shells[$0]?.shell.close() }
        control.remove()
    }

    /// Where connections are kept, to be removed when a signal ends the program.
    package var controlFolder: ControlFolder { control }

    // MARK: the board

    package var report: ClusterReport {
        ClusterReport(cluster: file.name, hosts: file.hosts.map { report(of: $0) })
    }

    /// Where the coordinator is and by which key it is known, after `up` has found out.
    package var coordinatorPlace: (endpoint: String, key: String)? { place.withLock { $0 } }

    func setPlace(_ agreed: Agreed) {
        place.withLock { $0 = ("tcp://\(agreed.address):\(file.coordinator.port)", agreed.coordinatorKey) }
    }

    func report(of host: String) -> HostReport { reports.withLock { $0[host] } ?? HostReport(host: host, file: file) }

    func change(_ host: String, _ body: (inout HostReport) -> Void) {
        reports.withLock { if var report = $0[host] { body(&report); $0[host] = report } }
    }

    func tell(_ host: String, _ text: String) { listener(.note(host: host, text)) }
    func tell(_ event: HostEvent) { listener(event) }

    func fail(_ host: String, _ reason: String, lastWords: [String] = []) {
        change(host) { report in
            guard report.fault == nil else { return }
            (report.fault, report.lastWords) = (reason, lastWords.map(HostFault.plain))
        }
        tell(host, reason)
    }

    func warn(_ host: String, _ text: String) {
        change(host) { $0.warnings.append(text) }
        tell(host, "warning: \(text)")
    }

    /// Those of some hosts that did not fail so far.
    func good(_ hosts: [String]) -> [String] { hosts.filter { report(of: $0).fault == nil } }

    /// - Throws: `HostFault` for a host that was not reached.
    func state(of host: String) throws -> HostState {
        guard let state = report(of: host).state else { throw HostFault("it was not reached") }
        return state
    }

    func shell(of host: String) -> HostShell {
        shells[host] ?? HostShell(host: host, folder: file.folder, control: control)
    }

    // MARK: side by side

    /// Does something with those of some hosts that did not fail so far. Who fails is out from then on.
    func each(_ hosts: [String], _ body: @escaping @Sendable (String) throws -> Void) {
        side(by: good(hosts)) { host in
            do { try body(host) } catch { self.fail(host, "\(error)") }
        }
    }

    private func side(by hosts: [String], _ body: @escaping @Sendable (String) -> Void) {
        let (room, all) = (DispatchSemaphore(value: Self.most), DispatchGroup())
        for host in hosts {
            room.wait()
            all.enter()
            let thread = Thread {
                body(host)
                room.signal()
                all.leave()
            }
            thread.stackSize = 1 << 20
            thread.start()
        }
        all.wait()
    }

    // MARK: what is there

    /// Asks all hosts what they are.
    ///
    /// - Parameter makesFolder: else nothing is changed there.
    func probe(_ hosts: [String], makesFolder: Bool) {
        each(hosts) { host in
            let state = try self.shell(of: host).probe(makesFolder: makesFolder)
            self.change(host) { $0.state = state }
            if abs(state.clock) > 60 {
                self.warn(
                    host,
                    "its clock is \(Int(abs(state.clock))) s \(state.clock > 0 ? "ahead of" : "behind") this machine's: songs do not mind, "
                        + "but times in logs will not fit; set it (timedatectl set-ntp true)")
            }
        }
        refuseDoubles(hosts)
    }

    /// Two names of one machine would start everything twice there.
    private func refuseDoubles(_ hosts: [String]) {
        var seen: [String: String] = [:]
        for host in hosts {
            guard let place = report(of: host).state?.place else { continue }
            if let other = seen[place] {
                fail(host, "it is the same machine and folder as \(other); write one of the two names, with count = 2")
            }
            seen[place] = seen[place] ?? host
        }
    }
}
